"""What a run has taken from models so far, read from its logs of completions.

Every logged answer was paid for once, by whichever process asked, whatever became of it later. A
kill loses the answers that were under way, and so their tokens.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from opencharacter.records import Usage

_BLOCK = 4 * 2**20  # bytes read at a time


class _Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


class _Read(NamedTuple):
    """How far a log was read, and what stood there."""

    offset: int
    usage: Usage


_DECODER = msgspec.json.Decoder(_Tokens)


class LoggedUsage:
    """Adds up logs that others append to; what was read once is not read again."""

    def __init__(
        self, folder: Path, *, pattern: str, counts: Callable[[Path], bool] = lambda log: True
    ) -> None:
        """Know nothing yet.

        Args:
            folder: Of a run or of a stage.
            pattern: Where the logs are in it, such as `*/completions/*.jsonl`.
            counts: Of a log's path, whether it counts.
        """
        self._counts = counts
        self._folder = folder
        self._pattern = pattern
        self._read: dict[Path, _Read] = {}

    def total(self) -> Usage:
        """Return the tokens and calls of all whole lines that are there now."""
        for path in filter(self._counts, self._folder.glob(self._pattern)):
            self._read[path] = _read_on(path, self._read.get(path, _Read(0, Usage())))
        return add(*(read.usage for read in self._read.values()))


def add(*usages: Usage) -> Usage:
    """Return the sum."""
    return Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        calls=sum(usage.calls for usage in usages),
    )


def _read_on(path: Path, before: _Read) -> _Read:
    """Return what a log holds, read from where it was left; a torn last line waits."""
    offset, usage = before
    if path.stat().st_size <= offset:
        return before
    with path.open("rb") as file:
        file.seek(offset)
        rest = b""
        while block := file.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            offset += len(whole) + len(newline)
            usage = add(usage, *(_tokens(line) for line in whole.split(b"\n") if line))
    return _Read(offset, usage)


def _tokens(line: bytes) -> Usage:
    """Return the tokens of a line, nothing of one that a kill tore."""
    try:
        found = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Usage()
    return Usage(
        prompt_tokens=found.prompt_tokens,
        cached_tokens=found.cached_tokens,
        output_tokens=found.output_tokens,
        calls=1,
    )
