"""Files with a row per line, read as bytes so that one bad line costs one line."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from opencharacter.records import Rejection

MAX_ROW_BYTES = 1_000_000
_BOM = b"\xef\xbb\xbf"
_EXCERPT_CHARS = 200
_DRAIN_BYTES = 1 << 16
_CUT_BYTES = MAX_ROW_BYTES + 2  # the end of line, \r\n at most


class Row(NamedTuple):
    """One row that is a JSON object."""

    number: int
    """Line number, or entry number in a list, from 1."""
    place: str
    """File name with `number`."""
    value: dict[str, Any]
    is_encoded_twice: bool = False
    """The row stood in the file as a JSON string that holds an object."""


class _Line(NamedTuple):
    number: int
    text: str


class Lines(NamedTuple):
    """Lines that stand in a file one after another."""

    block: bytes
    """All of them, without the end of the last."""
    n_more: int
    """Bytes of the last line behind these, where it is too long to be held."""


def reject(place: str, reason: str, detail: str, row: Any = "") -> Rejection:
    """Return the rejection of the row at `place`, safe to store as UTF-8 whatever the row holds.

    Args:
        place: File and line number.
        reason: A fixed word.
        detail: What is wrong, with values.
        row: The text in question, or the whole row; its beginning is kept.
    """
    return Rejection(
        key=place,
        reason=reason,
        detail=storable(detail),
        origin=place,
        excerpt=storable(_written(row)[:_EXCERPT_CHARS]),
    )


def read_json_lines(path: Path, shown: str) -> Iterator[Row | Rejection]:
    """Read JSON lines; rejects `line_too_long`, `invalid_utf8`, `broken_json` and `wrong_type`."""
    for line in _lines(path, shown):
        if isinstance(line, Rejection):
            yield line
            continue
        yield parse_row(line.text, line.number, f"{shown}:{line.number}")


def read_text_lines(path: Path, shown: str, key: str) -> Iterator[Row | Rejection]:
    """Read plain lines, each as the one value of an object under `key`."""
    for line in _lines(path, shown):
        if isinstance(line, Rejection):
            yield line
            continue
        yield Row(line.number, f"{shown}:{line.number}", {key: line.text})


def parse_row(text: str, number: int, place: str) -> Row | Rejection:
    """Parse one line of JSON."""
    try:
        value = json.loads(text)
    # A number of thousands of digits is a plain ValueError; deep nesting a RecursionError.
    except (ValueError, RecursionError) as error:
        return reject(place, "broken_json", str(error), text)
    return checked_row(value, number, place)


def checked_row(value: Any, number: int, place: str) -> Row | Rejection:
    """Return a row if `value` is an object, or JSON of one inside a string.

    Persona Hub's tool samples are encoded twice: a JSON string that holds a JSON object.
    """
    is_text = isinstance(value, str)
    if is_text:
        value = decoded_again(value)
    if isinstance(value, dict):
        return Row(number, place, value, is_text)
    detail = f"a row must be a JSON object; this one is of type {type(value).__name__}"
    return reject(place, "wrong_type", detail, value)


def decoded_again(text: str) -> Any:
    """Return what the JSON in `text` holds, or `text` itself where it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_range(path: Path, start: int, stop: int) -> Lines | None:
    """Read the lines that begin in a range of bytes; None where none does.

    Ranges that lie side by side have each line once, whoever reads which.
    """
    with path.open("rb") as handle:
        begin = _first_begin(handle, start, stop) if start else 0
        block = handle.read(max(0, stop - begin))
        if not block:
            return None
        if not block.endswith(b"\n"):
            block += handle.readline(_CUT_BYTES)
        is_cut = not block.endswith(b"\n") and len(block) - block.rfind(b"\n") > _CUT_BYTES
        n_more = _drain(handle) if is_cut else 0
        return Lines((block if begin else block.removeprefix(_BOM)).removesuffix(b"\n"), n_more)


def _first_begin(handle: BinaryIO, start: int, stop: int) -> int:
    """Go to the first line that begins in a range, or behind the range; return where that is."""
    at = handle.seek(start - 1)
    while at < stop and (piece := handle.readline(min(_DRAIN_BYTES, stop - at))):
        at += len(piece)
        if piece.endswith(b"\n"):
            return at
    return stop


def line_row(raw: bytes, number: int, shown: str, n_more: int = 0) -> Row | Rejection | None:
    """Read one line of JSON; None for a blank one.

    Args:
        raw: The line, or its beginning.
        number: From 1.
        shown: Name of the file.
        n_more: Bytes of the line behind `raw`.
    """
    if len(raw) >= _CUT_BYTES:
        n_more += len(raw[_CUT_BYTES:].rstrip(b"\r"))
        return _too_long(raw[:_CUT_BYTES], n_more, number, shown)
    line = _checked_line(raw, number, shown)
    if line is None or isinstance(line, Rejection):
        return line
    return parse_row(line.text, number, f"{shown}:{number}")


def _lines(path: Path, shown: str) -> Iterator[_Line | Rejection]:
    with path.open("rb") as handle:
        for number in count(1):
            raw = handle.readline(_CUT_BYTES)
            if not raw:
                return
            if number == 1:
                raw = raw.removeprefix(_BOM)
            if len(raw) == _CUT_BYTES and not raw.endswith(b"\n"):
                yield _too_long(raw, _drain(handle), number, shown)
            elif line := _checked_line(raw, number, shown):
                yield line


def _checked_line(raw: bytes, number: int, shown: str) -> _Line | Rejection | None:
    row = raw.strip()
    if len(row) > MAX_ROW_BYTES:
        return _too_long(row, 0, number, shown)
    return _decoded(row, number, shown) if row else None


def _too_long(raw: bytes, n_more: int, number: int, shown: str) -> Rejection:
    row = raw.strip()
    detail = f"{len(row) + n_more:,} bytes; at most {MAX_ROW_BYTES:,} are read"
    excerpt = row[:_EXCERPT_CHARS].decode("utf-8", "replace")
    return reject(f"{shown}:{number}", "line_too_long", detail, excerpt)


def _decoded(row: bytes, number: int, shown: str) -> _Line | Rejection:
    try:
        return _Line(number, row.decode())
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line, 0x{row[error.start]:02x}, is not UTF-8"
        excerpt = row[:_EXCERPT_CHARS].decode("utf-8", "replace")
        return reject(f"{shown}:{number}", "invalid_utf8", detail, excerpt)


def _drain(handle: BinaryIO) -> int:
    """Skip to the next line; return the bytes skipped, the end of the line apart."""
    skipped = 0
    while piece := handle.readline(_DRAIN_BYTES):
        skipped += len(piece.rstrip(b"\r\n"))
        if piece.endswith(b"\n"):
            break
    return skipped


def _written(row: Any) -> str:
    # What could be parsed a few frames higher up may be nested too deeply to be printed here.
    try:
        return str(row)
    except RecursionError:
        return "(nested too deeply to show)"


def storable(text: str) -> str:
    """Return `text` with a question mark for each lone surrogate, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
