"""A JSON file that is one list, read entry by entry: memory holds one entry, not the file."""

import codecs
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from opencharacter.errors import BrokenListError, SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import MAX_ROW_BYTES, Row, checked_row, reject

_CHUNK_BYTES = 1 << 18
_MAX_ENTRY_CHARS = 1 << 25
_SNIFFED_LINES = 5
# The longest token that a cut can split in two and that is not a string: \ud83d\ude00.
_LONGEST_TOKEN = 16


def is_list(path: Path, asked: str) -> bool:
    """Say whether a .json file is one list, or else JSON lines.

    Raises:
        SourceError: It is neither, or cannot be opened.
    """
    try:
        with path.open("rb") as handle:
            lines = list(_first_lines(handle))
    except OSError as error:
        raise SourceError(f"cannot read {asked}: {error.strerror}; check permissions") from error
    if lines and lines[0].startswith(b"["):
        return True
    # A file without rows is reported as such by whoever counts the rows.
    if not lines or any(_is_object(line) for line in lines):
        return False
    first = lines[0]
    raise SourceError(
        f"{asked} is neither a JSON list nor JSON lines (its first line begins "
        f"{first[:40].decode('utf-8', 'replace')!r}); make it a list of objects, or one per line"
    )


def _first_lines(handle: BinaryIO) -> Iterator[bytes]:
    """Yield the first few lines that hold something, cut at the longest row."""
    n_lines = 0
    while n_lines < _SNIFFED_LINES and (raw := handle.readline(MAX_ROW_BYTES)):
        line = raw.strip(b"\xef\xbb\xbf \t\r\n")
        if line:
            n_lines += 1
            yield line


def read_list(path: Path, shown: str) -> Iterator[Row | Rejection]:
    """Read the entries of a list; `line_too_long` and `wrong_type` are rejected.

    Bytes that are not UTF-8 become lone surrogates, so that the entry alone is rejected later.

    Raises:
        BrokenListError: The JSON is broken; where to look is in the message.
    """
    with path.open("rb") as handle:
        text = _Unread(handle, shown)
        text.take("[")
        if text.peek() == "]":
            text.take("]")
        else:
            yield from _entries(text, shown)
        if text.peek():
            raise text.broken("text after the end of the list", text.at)


def _entries(text: "_Unread", shown: str) -> Iterator[Row | Rejection]:
    for number in count(1):
        text.peek()
        place = f"{shown}:{text.line_of(text.at)}#{number}"
        value, size = text.take_value()
        if size > MAX_ROW_BYTES:
            detail = f"{size:,} characters; at most {MAX_ROW_BYTES:,} are read"
            yield reject(place, "line_too_long", detail, value)
        else:
            yield checked_row(value, number, place)
        if text.peek() == "]":
            text.take("]")
            return
        text.take(",")


class _Unread:
    """The part of a file that is not taken yet, as text with a place in it."""

    def __init__(self, handle: BinaryIO, shown: str) -> None:
        self.text = ""
        self.at = 0
        self._handle = handle
        self._shown = shown
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._parse = json.JSONDecoder().raw_decode
        self._is_whole = False
        self._lines_before = 0
        self._counted = 0
        self._cut = 0
        """Characters of the line in which `text` begins that stood before it."""

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end of the file."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in " \t\r\n":
                    return self.text[self.at]
                self.at += 1
            if self._is_whole:
                return ""
            self._grow()

    def take(self, wanted: str) -> None:
        """Step over the character `wanted`."""
        found = self.peek()
        if found != wanted:
            raise self.broken(f"expected {wanted!r}, found {found or 'the end of the file'!r}")
        self.at += 1

    def take_value(self) -> tuple[Any, int]:
        """Parse the value that starts here; return it with its length in characters."""
        while True:
            try:
                value, end = self._parse(self.text, self.at)
            except json.JSONDecodeError as error:
                if self._is_whole or not self._may_be_cut(error):
                    raise self.broken(error.msg, error.pos) from error
            except (ValueError, RecursionError) as error:
                raise self.broken(str(error)) from error
            else:
                # A number at the very end may go on in the next chunk.
                if end < len(self.text) or self._is_whole:
                    size, self.at = end - self.at, end
                    return value, size
            if len(self.text) - self.at > _MAX_ENTRY_CHARS:
                raise self.broken(f"an entry of over {_MAX_ENTRY_CHARS:,} characters starts here")
            self._grow()

    def line_of(self, at: int) -> int:
        """Return the number of the line in which position `at` (never before the last) stands."""
        self._lines_before += self.text.count("\n", self._counted, at)
        self._counted = at
        return self._lines_before + 1

    def broken(self, what: str, at: int | None = None) -> BrokenListError:
        """Return the error that says what is wrong at `at`, or else here."""
        at = self.at if at is None else at
        line = self.line_of(max(at, self._counted))
        # "Unterminated string starting at"
        what = what.removesuffix(" at").removesuffix(" starting")
        return BrokenListError(self._shown, line, self._column(at) + 1, what)

    def _column(self, at: int) -> int:
        start = self.text.rfind("\n", 0, at) + 1
        return at - start if start else at + self._cut

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        near_end = error.pos >= len(self.text) - _LONGEST_TOKEN
        return near_end or error.msg.startswith("Unterminated string")

    def _grow(self) -> None:
        """Read on, as much again as is there: trying a long entry anew costs twice its length."""
        self.line_of(max(self.at, self._counted))
        self._cut = self._column(self.at)
        rest = self.text[self.at :]
        self._counted -= self.at
        chunk = self._handle.read(max(_CHUNK_BYTES, len(rest)))
        self._is_whole = not chunk
        self.text, self.at = rest + self._decode(chunk, self._is_whole), 0


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8", "replace")), dict)
    except (ValueError, RecursionError):
        return False
