"""The texts of many lines of JSON, as `persona_rows.bare_text` returns them, at a few tests a line.

A line that holds a single string without escapes, as nearly all of Persona Hub's preview do, is cut
out of its block together with its neighbours; any other is decoded. Whatever cannot be had so is
None: the careful reading finds out why.
"""

import re
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from opencharacter.sources.lines import MAX_ROW_BYTES
from opencharacter.sources.persona_rows import Layout, bare_text

_decode = msgspec.json.Decoder().decode
_OPENING = re.compile(rb'\{ *"([^"\\\x00-\x1f]+)" *: *"')
_CLOSING = b'"}'
_END = ord("\n")


def bare_texts(block: bytes, lines: list[bytes], layout: Layout) -> list[bytes | None]:
    """Return the text of each line, UTF-8, unchecked; None where there is none.

    Args:
        block: The lines, joined by line feeds.
        lines: The same.
        layout: Where the text is.
    """
    found = _OPENING.match(block)
    if found is None or found[1].decode("utf-8", "replace") not in layout.columns:
        return [_decoded(line, layout) for line in lines]
    opening = found[0]
    # A line that begins and ends like the first is left with its text; others keep quotation marks.
    around = (_CLOSING + b"\n", b"\n" + opening)
    bare = (around[0] + block + around[1]).replace(_CLOSING + around[1], b"\n")
    texts: list[bytes | None] = [*bare.split(b"\n")[1:-1]]
    for at in _odd_lines(block, bare, lines, len(opening) + len(_CLOSING)):
        texts[at] = _decoded(lines[at], layout)
    return texts


def _odd_lines(block: bytes, bare: bytes, lines: list[bytes], n_around: int) -> list[int]:
    """Return the lines whose text is not what was cut out of them.

    What was cut out is as `normal` would leave it if it is plain ASCII without escapes, quotation
    marks, and white space at the ends or twice.

    Args:
        block: The lines.
        bare: What was cut out, a line feed before and behind each.
        lines: Those of the block.
        n_around: Bytes that are cut off.
    """
    codes = np.frombuffer(bare, dtype=np.uint8)
    is_white = codes <= ord(" ")
    is_odd = (codes > ord("~")) | (codes == ord('"')) | (codes == ord("\\"))
    is_odd |= is_white & (codes != ord(" ")) & (codes != _END)
    is_odd[1:] |= is_white[1:] & is_white[:-1]
    ends = np.flatnonzero(codes == _END)  # (n + 1,)
    # A line feed belongs to the line that it ends.
    odd: set[int] = set((np.searchsorted(ends, np.flatnonzero(is_odd)) - 1).tolist())
    sizes: NDArray[np.int64] = np.diff(ends) - 1  # (n,)
    if int(sizes.sum()) != len(block) - (len(lines) - 1) - n_around * len(lines):
        cut = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines)) - sizes
        odd.update(np.flatnonzero(cut != n_around).tolist())
    odd.update(np.flatnonzero(sizes > MAX_ROW_BYTES - n_around).tolist())
    return [at for at in odd if 0 <= at < len(lines)]


def _decoded(line: bytes, layout: Layout) -> bytes | None:
    if len(line) > MAX_ROW_BYTES:
        return None
    try:
        value: Any = _decode(line)
    # RecursionError: nested too deeply.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    text = bare_text(value, layout) if isinstance(value, dict) else None
    return None if text is None else text.encode()
