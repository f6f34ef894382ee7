"""The texts of many lines of JSON, as `persona_rows.bare_text` returns them, at a few tests a line.

A line that holds a single string without escapes, as nearly all of Persona Hub's preview do, is cut
out of its block; any other is decoded. Whatever cannot be had so is None: the careful reading finds
out why.
"""

import re
from typing import Any

import msgspec
import numpy as np

from opencharacter.sources.lines import MAX_ROW_BYTES
from opencharacter.sources.persona_rows import Layout, bare_text

_decode = msgspec.json.Decoder().decode
_OPENING = re.compile(rb'\{ *"([^"\\]+)" *: *"')
_CLOSING = b'"}'


def bare_texts(block: bytes, lines: list[bytes], layout: Layout) -> list[bytes | None]:
    """Return the text of each line, UTF-8, unchecked; None where there is none.

    Args:
        block: The lines, joined by line feeds.
        lines: The same.
        layout: Where the text is.
    """
    if max(map(len, lines)) > MAX_ROW_BYTES:
        return [_decoded(line, layout) if len(line) <= MAX_ROW_BYTES else None for line in lines]
    found = _OPENING.match(block)
    if found is None or found[1].decode("utf-8", "replace") not in layout.columns:
        return [_decoded(line, layout) for line in lines]
    opening = found[0]
    start, stop = len(opening), -len(_CLOSING)
    if _is_tidy(block, opening, len(lines)) and all(
        line.startswith(opening) and line.endswith(_CLOSING) for line in lines
    ):
        return [line[start:stop] for line in lines]
    if np.count_nonzero(np.frombuffer(block, dtype=np.uint8) < ord(" ")) >= len(lines):
        # JSON allows control characters between values only: there is a line that is not plain.
        return [_decoded(line, layout) for line in lines]
    return [
        text
        if line.startswith(opening)
        and line.endswith(_CLOSING)
        and line.isascii()
        and b"\\" not in line
        and b'"' not in (text := line[start:stop])
        and b"  " not in text
        and text.strip() == text
        else _decoded(line, layout)
        for line in lines
    ]


def _is_tidy(block: bytes, opening: bytes, n: int) -> bool:
    """Whether texts between openings and closings are as `normal` would leave them.

    That is plain ASCII without escapes, quotation marks, white space at the ends or twice.
    """
    if not block.isascii() or b"\\" in block:
        return False
    codes = np.frombuffer(block, dtype=np.uint8)
    is_space, is_quote = codes == ord(" "), codes == ord('"')
    found = [
        codes < ord(" "),
        is_quote,
        is_space[:-1] & is_space[1:],
        is_space[:-1] & is_quote[1:],
        is_quote[:-1] & is_space[1:],
    ]
    line = opening + _CLOSING
    marks = [n * line.count(mark) for mark in (b'"', b"  ", b' "', b'" ')]
    return [int(np.count_nonzero(mask)) for mask in found] == [n - 1, *marks]


def _decoded(line: bytes, layout: Layout) -> bytes | None:
    try:
        value: Any = _decode(line)
    # RecursionError: nested too deeply.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    text = bare_text(value, layout) if isinstance(value, dict) else None
    return None if text is None else text.encode()
