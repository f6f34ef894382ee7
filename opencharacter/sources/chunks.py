"""One piece of a huge file of JSON lines: which of its rows a sample may hold.

Pieces are read in any process and any order; what is found depends on the piece alone, but for
rows that surely are not drawn. The text of a row is cut out or decoded, and hashed, and that is
all for nearly every row.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from opencharacter.config import PersonasConfig, Stratify
from opencharacter.sources.bare_texts import bare_texts
from opencharacter.sources.lines import Lines
from opencharacter.sources.persona_rows import is_good, layout_of, stratum_of
from opencharacter.sources.quota import Bounds
from opencharacter.sources.rows import SourceFile

# What is made of a block stays in the processor's cache, and below the size from which on the C
# library asks the kernel for fresh pages.
_BLOCK_BYTES = 1 << 17
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Task(NamedTuple):
    """A piece to read, and for which sample."""

    config: PersonasConfig
    seed: int
    file: SourceFile
    start: int
    """The lines that begin at this byte or behind it, and before `stop`."""
    stop: int
    bounds: Bounds


class Close(NamedTuple):
    """A row that may be drawn."""

    at: int
    """Number of its line in the piece, from 0."""
    line: bytes
    label: str
    """Its stratum."""
    key: int
    is_good: bool
    """Whether it is taken if it is drawn."""


class Unread(NamedTuple):
    """A line to read carefully: the first look gave no text, or one that is not sure."""

    at: int
    line: bytes
    n_more: int
    """Bytes of the line behind `line`."""


class Chunk(NamedTuple):
    """What a piece holds."""

    n_lines: int
    n_rows: int
    """Lines that are not blank."""
    found: list[Close | Unread]
    """In the order of the lines."""


def read_chunk(task: Task) -> Chunk:
    """Read a piece.

    Raises:
        SourceError: The file cannot be read.
    """
    reading = _Reading(task)
    for start in range(task.start, task.stop, _BLOCK_BYTES):
        lines = task.file.read_range(start, min(start + _BLOCK_BYTES, task.stop))
        if lines is not None:
            reading.add(lines)
    return Chunk(reading.n_lines, reading.n_rows, reading.found)


def keys_of(texts: Iterable[bytes | None], seed: int) -> NDArray[np.uint64]:
    """Return the hashes of seed and text; any number where there is none."""
    start = blake2b(f"{seed}/".encode(), digest_size=8).copy
    digests = []
    for text in texts:
        state = start()
        state.update(text or b"")
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)


class _Reading:
    def __init__(self, task: Task) -> None:
        self.n_lines = 0
        self.n_rows = 0
        self.found: list[Close | Unread] = []
        self._task = task
        self._layout = layout_of(task.config)

    def add(self, read: Lines) -> None:
        """Look at lines that follow those before."""
        lines = read.block.split(b"\n")
        texts = bare_texts(read.block, lines, self._layout)
        keys = keys_of(texts, self._task.seed)
        for number in self._worth_a_look(texts, keys):
            line, text, at = lines[number], texts[number], self.n_lines + number
            if text is None and not line.strip():
                self.n_rows -= 1
            elif text is None:
                n_more = read.n_more if number == len(lines) - 1 else 0
                self.found.append(Unread(at, line, n_more))
            elif close := self._close(at, line, text.decode(), int(keys[number])):
                self.found.append(close)
        self.n_lines += len(lines)
        self.n_rows += len(lines)

    def _worth_a_look(self, texts: list[bytes | None], keys: NDArray[np.uint64]) -> list[int]:
        """Return the lines of a small hash, and those without a text so far."""
        bounds = self._task.bounds
        largest = max(bounds.unseen, *bounds.by_label.values(), 0)
        if self._task.config.stratify is None:
            largest = bounds.of("")
        is_worth: NDArray[np.bool_] = keys <= np.uint64(min(largest, (1 << 64) - 1))
        if None in texts:
            is_worth |= np.array([text is None for text in texts])
        found: list[int] = np.flatnonzero(is_worth).tolist()
        return found

    def _close(self, at: int, line: bytes, text: str, key: int) -> Close | Unread | None:
        config = self._task.config
        value = _decode(line) if config.stratify is Stratify.domain else {}
        label = stratum_of(config, text, value)
        if key > self._task.bounds.of(label):
            return None
        if self._layout.template:  # `_decode` reads numbers of more than 64 bits in its own way
            return Unread(at, line, 0)
        good = is_good(value or _decode(line), self._layout, config.max_chars)
        return Close(at, line, label, key, good)
