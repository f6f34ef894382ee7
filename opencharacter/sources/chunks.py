"""One piece of a huge file of JSON lines: which of its rows a sample may hold.

Pieces are read in any process and any order; what is found depends on the piece alone, but for
rows that surely are not drawn. The text of a row is cut out or decoded, and hashed, and that is
all for nearly every row.
"""

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

    n_lines: int = 0
    n_rows: int = 0
    """Lines that are not blank."""
    found: tuple[Close | Unread, ...] = ()
    """In the order of the lines."""


def read_chunk(task: Task) -> Chunk:
    """Read a piece.

    Raises:
        SourceError: The file cannot be read.
    """
    read = task.file.read_range(task.start, task.stop)
    return Chunk() if read is None else _Reading(task).chunk(read)


def keys_of(texts: list[bytes], seed: int) -> NDArray[np.uint64]:
    """Return the hashes of seed and text."""
    start = blake2b(f"{seed}/".encode(), digest_size=8).copy
    digests = []
    for text in texts:
        state = start()
        state.update(text)
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)


class _Reading:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._layout = layout_of(task.config)

    def chunk(self, read: Lines) -> Chunk:
        lines = read.block.split(b"\n")
        texts = bare_texts(read.block, lines, self._layout)
        keys = keys_of([text or b"" for text in texts], self._task.seed)
        found: list[Close | Unread] = []
        n_blank = 0
        for at in self._worth_a_look(texts, keys):
            line, text = lines[at], texts[at]
            if text is None and not line.strip():
                n_blank += 1
            elif text is None:
                found.append(Unread(at, line, read.n_more if at == len(lines) - 1 else 0))
            elif close := self._close(at, line, text.decode(), int(keys[at])):
                found.append(close)
        return Chunk(len(lines), len(lines) - n_blank, tuple(found))

    def _worth_a_look(self, texts: list[bytes | None], keys: NDArray[np.uint64]) -> list[int]:
        """Return the lines of a small hash, and those without a text so far."""
        bounds = self._task.bounds
        largest = max(bounds.unseen, *bounds.by_label.values(), 0)
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
