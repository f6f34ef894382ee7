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


def _lines(path: Path, shown: str) -> Iterator[_Line | Rejection]:
    with path.open("rb") as handle:
        for number in count(1):
            raw = handle.readline(MAX_ROW_BYTES + 2)  # + 2: the end of line, \r\n at most
            if not raw:
                return
            if number == 1:
                raw = raw.removeprefix(_BOM)
            row = raw.strip()
            is_cut = len(raw) == MAX_ROW_BYTES + 2 and not raw.endswith(b"\n")
            if is_cut or len(row) > MAX_ROW_BYTES:
                rest = _drain(handle) if is_cut else 0
                detail = f"{len(row) + rest:,} bytes; at most {MAX_ROW_BYTES:,} are read"
                excerpt = row[:_EXCERPT_CHARS].decode("utf-8", "replace")
                yield reject(f"{shown}:{number}", "line_too_long", detail, excerpt)
            elif row:
                yield _decoded(row, number, shown)


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
