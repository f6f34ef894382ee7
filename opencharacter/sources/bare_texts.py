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
    opening = _OPENING.match(block)
    if opening and opening[1].decode("utf-8", "replace") in layout.columns:
        cut = _cut_out(block, len(lines), opening[0], layout)
        if cut is not None:
            return cut
    return [_decoded(line, layout) for line in lines]


def _cut_out(block: bytes, n: int, opening: bytes, layout: Layout) -> list[bytes | None] | None:
    """Return the texts between `opening` and the end of each line; None if a line is otherwise."""
    if not block.endswith(_CLOSING):
        return None
    pieces = block[len(opening) : -len(_CLOSING)].split(_CLOSING + b"\n" + opening)
    # JSON allows control characters between values only; then a line is not as it seems.
    n_controls = np.count_nonzero(np.frombuffer(block, dtype=np.uint8) < ord(" "))
    if len(pieces) != n or n_controls != n - 1:
        return None
    if not _is_tidy(block, opening, n):
        return [_decoded(opening + piece + _CLOSING, layout) for piece in pieces]
    if block.isascii() and b"\\" not in block:
        return list(pieces)
    return [
        piece
        # Counts over a block with escapes may make up for each other: a second look at each.
        if piece.isascii() and b"\\" not in piece and b'"' not in piece and piece.strip() == piece
        else _decoded(opening + piece + _CLOSING, layout)
        for piece in pieces
    ]


def _is_tidy(block: bytes, opening: bytes, n: int) -> bool:
    """Whether nothing between openings and closings needs a second look, escapes and UTF-8 apart.

    That is: no white space at the ends of a text, none twice, and no quotation mark but escaped.
    """
    quotes = block.count(b'"') - block.count(b'\\"')
    return (
        quotes == n * (opening.count(b'"') + 1)
        and block.count(b' "') == n * opening.count(b' "')
        and block.count(b'" ') - block.count(b'\\" ') == n * opening.count(b'" ')
        and b"  " not in block
    )


def _decoded(line: bytes, layout: Layout) -> bytes | None:
    try:
        value: Any = _decode(line)
    # RecursionError: nested too deeply.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    text = bare_text(value, layout) if isinstance(value, dict) else None
    return None if text is None else text.encode()
