"""Which rows of a huge source a sample may hold, found in one fast reading.

The text of a row is decoded and hashed, and that is all for nearly every row: only those of the
smallest hashes so far are checked. They and the unreadable ones are put aside in a temporary file,
about n * (1 + ln(rows / n)) rows, and all else is done with that file.
"""

import pickle
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from opencharacter.config import PersonasConfig, Stratify
from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.bare_texts import bare_texts
from opencharacter.sources.lines import Row, line_row
from opencharacter.sources.persona_rows import bare_text, check_row, layout_of, stratum_of
from opencharacter.sources.quota import Quota
from opencharacter.sources.rows import Kind, Source, SourceFile

_LARGEST = (1 << 64) - 1
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Aside(NamedTuple):
    """A row put aside."""

    file: int
    """Number of its file."""
    row: Row | Rejection
    label: str = ""
    """Its stratum."""
    key: int = 0
    """Hash of seed and text; 0, so that it stays, where it has no text."""


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
        self._layout = layout_of(config)
        self._hash = blake2b(f"{seed}/".encode(), digest_size=8)
        self._file = file

    def read(self, source: Source) -> None:
        """Read all of a source.

        Raises:
            SourceError: The source is broken as a whole, or there is no room to put rows aside.
        """
        # What fails here is the temporary file: sources name their own faults.
        try:
            if self.quota is None:
                self._read_files(source, self._file)
            else:
                self._read_sample(source, self.quota)
            self._file.flush()
        except OSError as error:
            raise SourceError(
                f"cannot put rows aside in a temporary file ({error.strerror or error}); make room "
                f"in {tempfile.gettempdir()}, or set TMPDIR to another folder"
            ) from error

    def rows(self) -> Iterator[Aside]:
        """Yield the rows put aside that stand before the end of the sample, in order."""
        yield from _load(self._file, self.n_aside)

    def _read_sample(self, source: Source, quota: Quota) -> None:
        with tempfile.TemporaryFile() as file:
            self._read_files(source, file)
            quota.settle()
            n_met, self.n_aside = self.n_aside, 0
            for aside in _load(file, n_met):
                if aside.key <= quota.bound(aside.label):
                    self._put(aside, self._file)

    def _read_files(self, source: Source, into: BinaryIO) -> None:
        for index, file in enumerate(source.files):
            read = self._close_rows if file.kind is Kind.json_lines else self._all_rows
            for row in read(file):
                self._take(row, index, into)

    def _all_rows(self, file: SourceFile) -> Iterator[Row | Rejection]:
        for row in file.rows(self._config.column or "text"):
            self.n_rows += 1
            yield row

    def _close_rows(self, file: SourceFile) -> Iterator[Row | Rejection]:
        """Yield the rows of a file of JSON lines but those that surely are not drawn."""
        for block in file.line_blocks():
            if isinstance(block, Rejection):
                self.n_rows += 1
                yield block
                continue
            number, lines = block[0], block[1].split(b"\n")
            self.n_rows += len(lines)
            for at in self._close_lines(block[1], lines):
                row = line_row(lines[at], number + at, file.shown)
                if row is None:
                    self.n_rows -= 1
                else:
                    yield row

    def _close_lines(self, block: bytes, lines: list[bytes]) -> list[int]:
        """Return the lines to look at: of a small hash, blank, or without a text so far."""
        texts = bare_texts(block, lines, self._layout)
        keys = self._keys([text or b"" for text in texts])
        if self._config.stratify:
            return [
                at
                for at, (key, text) in enumerate(zip(keys.tolist(), texts, strict=True))
                if text is None or key <= self._bound(self._label(text, lines[at]))
            ]
        is_close = keys <= np.uint64(min(self._bound(""), _LARGEST))
        if None in texts:
            is_close |= np.array([text is None for text in texts])
        found: list[int] = np.flatnonzero(is_close).tolist()
        return found

    def _label(self, text: bytes, line: bytes) -> str:
        is_text_enough = self._config.stratify is not Stratify.domain
        value = {} if is_text_enough else _decode(line)
        return stratum_of(self._config, text.decode(), value)

    def _take(self, row: Row | Rejection, file: int, into: BinaryIO) -> None:
        """Put a row aside if it may be drawn or cannot be read; a good one competes from now on."""
        text = None if isinstance(row, Rejection) else bare_text(row.value, self._layout)
        if text is None or isinstance(row, Rejection):
            self._put(Aside(file, row), into)
            return
        label, key = stratum_of(self._config, text, row.value), self._key(text)
        if key > self._bound(label):
            return
        self._put(Aside(file, row, label, key), into)
        if self.quota and not isinstance(check_row(row, file, self._config), Rejection):
            self.quota.offer(label, key)

    def _put(self, aside: Aside, into: BinaryIO) -> None:
        pickle.dump(tuple(aside), into, protocol=pickle.HIGHEST_PROTOCOL)
        self.n_aside += 1

    def _bound(self, label: str) -> int:
        return self.quota.bound(label) if self.quota else _LARGEST

    def _keys(self, texts: list[bytes]) -> NDArray[np.uint64]:
        start = self._hash.copy
        digests = []
        for text in texts:
            state = start()
            state.update(text)
            digests.append(state.digest())
        return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)

    def _key(self, text: str) -> int:
        return int(self._keys([text.encode()])[0])


def _load(file: BinaryIO, n: int) -> Iterator[Aside]:
    file.seek(0)
    for _ in range(n):
        yield Aside(*pickle.load(file))
