"""Which rows of a huge source a sample may hold, found in one fast reading.

Files of JSON lines are read in pieces, in several processes where they are large (see `chunks`).
Rows of the smallest hashes so far and the unreadable ones are put aside in a temporary file, about
n * (1 + ln(rows / n)) rows, and all else is done with that file.
"""

import os
import pickle
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from importlib import import_module
from itertools import groupby, islice
from typing import BinaryIO, NamedTuple

from opencharacter.config import PersonasConfig
from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.chunks import Chunk, Close, Task, keys_of, read_chunk
from opencharacter.sources.lines import Row, line_row
from opencharacter.sources.persona_rows import bare_text, check_row, layout_of, stratum_of
from opencharacter.sources.quota import Bounds, Quota
from opencharacter.sources.rows import Kind, Reading, Source, SourceFile, Watch

_LARGEST = (1 << 64) - 1
_PIECE_BYTES = 1 << 20
_ROWS_AT_ONCE = 64  # of files that are no JSON lines: a row may be large
_MANY_BYTES = 100_000_000  # read in a second; below this it takes longer to start processes
_MOST_PROCESSES = 8  # of about 70 MB each


class Aside(NamedTuple):
    """A row put aside."""

    file: int
    """Number of its file."""
    number: int
    """Of its line, if `row` is one."""
    row: Row | Rejection | bytes
    label: str = ""
    """Its stratum."""
    key: int = 0
    """Hash of seed and text."""


class _Piece(NamedTuple):
    file_number: int
    file: SourceFile
    start: int
    stop: int


class Scan:
    """One reading of a source: counts its rows and puts aside those that the sample may hold."""

    def __init__(self, config: PersonasConfig, seed: int, file: BinaryIO) -> None:
        """Start with nothing read.

        Args:
            config: Which texts are good, and how many are drawn; None = all rows are put aside.
            seed: Of the sample.
            file: An empty file of our own, for the rows put aside.
        """
        self.n_rows = 0
        """Rows of the source, blank lines apart."""
        self.n_aside = 0
        """Of these, the rows put aside."""
        self.quota = None if config.n is None else Quota(config.n, config.shares)
        """The sample; None = all rows."""
        self._config = config
        self._seed = seed
        self._layout = layout_of(config)
        self._file = file
        self._files: tuple[SourceFile, ...] = ()
        self._n_bytes = 0

    def read(self, source: Source, watch: Watch) -> None:
        """Read all of a source.

        Args:
            source: With files that do not change meanwhile.
            watch: Called after each piece.

        Raises:
            SourceError: The source is broken as a whole, a process was killed, or there is no room
                to put rows aside.
        """
        self._files = source.files
        # What fails here is the temporary file: sources name their own faults.
        try:
            if self.quota is None:
                self._read_files(self._file, watch)
            else:
                self._read_sample(self.quota, watch)
            self._file.flush()
        except OSError as error:
            raise SourceError(
                f"cannot put rows aside in a temporary file ({error.strerror or error}); make room "
                f"in {tempfile.gettempdir()}, or set TMPDIR to another folder"
            ) from error

    def rows(self) -> Iterator[tuple[int, Row | Rejection]]:
        """Yield the rows put aside that stand before the end of the sample, in order.

        Each comes with the number of its file.
        """
        for aside in _load(self._file):
            row = aside.row
            if isinstance(row, bytes):
                read = line_row(row, aside.number, self._files[aside.file].shown)
                assert read is not None  # blank lines are not put aside
                row = read
            yield aside.file, row

    def _read_sample(self, quota: Quota, watch: Watch) -> None:
        with tempfile.TemporaryFile() as file:
            self._read_files(file, watch)
            quota.settle()
            self.n_aside = 0
            kept = (
                aside
                for aside in _load(file)
                if isinstance(aside.row, Rejection) or aside.key <= quota.bounds.of(aside.label)
            )
            self._put_all(kept, self._file)

    def _read_files(self, into: BinaryIO, watch: Watch) -> None:
        sizes = [file.size() for file in self._files]
        numbered = list(enumerate(self._files))
        for is_lines, files in groupby(numbered, lambda each: each[1].kind is Kind.json_lines):
            if is_lines:
                pieces = [
                    _Piece(index, file, start, min(start + _PIECE_BYTES, sizes[index]))
                    for index, file in files
                    for start in range(0, sizes[index], _PIECE_BYTES)
                ]
                self._read_pieces(pieces, into, watch, sum(sizes))
                continue
            for index, file in files:
                self._put_all(self._all_rows(index, file, watch, sum(sizes)), into)
                self._n_bytes += sizes[index]

    def _all_rows(
        self, index: int, file: SourceFile, watch: Watch, of_bytes: int
    ) -> Iterator[Aside]:
        for row in file.rows(self._config.column or "text"):
            self.n_rows += 1
            yield from self._looked_at(row, index)
            if self.n_rows % _ROWS_AT_ONCE == 0:
                watch(Reading(self.n_rows, self._n_bytes, of_bytes))

    def _read_pieces(
        self, pieces: list[_Piece], into: BinaryIO, watch: Watch, of_bytes: int
    ) -> None:
        tasks = (
            Task(self._config, self._seed, piece.file, piece.start, piece.stop, self._bounds)
            for piece in pieces
        )
        number = 1
        with closing(_chunks(tasks, self._n_processes(pieces))) as chunks:
            for chunk, piece in zip(chunks, pieces, strict=True):
                number = number if piece.start else 1
                self.n_rows += chunk.n_rows
                self._put([*self._close(chunk, piece, number)], into)
                number += chunk.n_lines
                self._n_bytes += piece.stop - piece.start
                watch(Reading(self.n_rows, self._n_bytes, of_bytes))

    def _n_processes(self, pieces: list[_Piece]) -> int:
        if sum(piece.stop - piece.start for piece in pieces) < _MANY_BYTES:
            return 1
        most = min(_MOST_PROCESSES, len(os.sched_getaffinity(0)))
        return self._config.processes or most

    def _close(self, chunk: Chunk, piece: _Piece, number: int) -> Iterator[Aside]:
        """Yield the rows of a piece that may be drawn; the good ones compete from now on."""
        bounds = self._bounds
        for found in chunk.found:
            at = number + found.at
            if not isinstance(found, Close):
                row = line_row(found.line, at, piece.file.shown, found.n_more)
                if row is not None:
                    yield from self._looked_at(row, piece.file_number)
            elif found.key <= bounds.of(found.label):
                yield Aside(piece.file_number, at, found.line, found.label, found.key)
                if self.quota and found.is_good:
                    self.quota.offer(found.label, found.key)

    def _looked_at(self, row: Row | Rejection, file: int) -> Iterator[Aside]:
        """Yield a row if it may be drawn or has no text; a good one competes from now on."""
        if isinstance(row, Rejection):
            yield Aside(file, 0, row)
            return
        checked = check_row(row, file, self._config)
        text = bare_text(row.value, self._layout)
        if text is None and isinstance(checked, Rejection):
            yield Aside(file, 0, checked)
        elif text is not None:
            label = stratum_of(self._config, text, row.value)
            key = int(keys_of([text.encode()], self._seed)[0])
            if key <= self._bounds.of(label):
                yield Aside(file, 0, row, label, key)
                if self.quota and not isinstance(checked, Rejection):
                    self.quota.offer(label, key)

    def _put_all(self, asides: Iterable[Aside], into: BinaryIO) -> None:
        stream = iter(asides)
        while batch := list(islice(stream, _ROWS_AT_ONCE)):
            self._put(batch, into)

    def _put(self, asides: list[Aside], into: BinaryIO) -> None:
        if asides:
            pickle.dump([tuple(a) for a in asides], into, protocol=pickle.HIGHEST_PROTOCOL)
            self.n_aside += len(asides)

    @property
    def _bounds(self) -> Bounds:
        return self.quota.bounds if self.quota else Bounds({}, _LARGEST)


def _chunks(tasks: Iterable[Task], processes: int) -> Generator[Chunk]:
    if processes == 1:
        yield from map(read_chunk, tasks)
    else:
        # Late: most sources are small.
        several = import_module("opencharacter.sources.processes")
        yield from several.read_in_processes(tasks, processes)


def _load(file: BinaryIO) -> Iterator[Aside]:
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    while file.tell() < end:
        yield from map(Aside._make, pickle.load(file))
