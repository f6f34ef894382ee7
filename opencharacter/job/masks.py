"""Tokens on the terminal: what is learned stands out, decoded back from the ids."""

import os
import re
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TextIO

import numpy as np

from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder
from opencharacter.train.mask import spans_of
from opencharacter.train.opened import OpenTokenizer
from opencharacter.train.texts import Ids, Spelling, spelling

_LEARNED, _END = "\x1b[1;32m", "\x1b[0m"
_OPEN, _CLOSE = "⟦", "⟧"
# What could steer the reader's terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLUMNS = ("row_id", "source", "dropped_turns", "n_supervised", "input_ids", "labels")


def show_masks(folder: StageFolder, opened: OpenTokenizer, n_rows: int) -> None:
    """Print the first rows of a finished `tokenize`; what is learned is coloured or bracketed."""
    if not n_rows:
        return
    letters = spelling(opened.json)
    marks = (_LEARNED, _END) if is_coloured(sys.stdout) else (_OPEN, _CLOSE)
    for row in islice(read_columns(part_files(folder.data), _COLUMNS), n_rows):
        row_id, source, dropped, n_supervised, ids, labels = row
        told = f"{row_id} of {source}: {len(ids):,} tokens, {n_supervised:,} learned"
        print(f"--- {told}" + f", {dropped} messages dropped" * bool(dropped))
        print("".join(_marked(np.array(ids), np.array(labels), letters, marks)), end="\n\n")


def is_coloured(stream: TextIO) -> bool:
    """Return whether colour is seen there: a terminal, and nobody asked for none."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _marked(ids: Ids, labels: Ids, letters: Spelling, marks: tuple[str, str]) -> Iterator[str]:
    spans = spans_of(labels, np.array([0, len(ids)], np.int32))
    at = 0
    for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True):
        yield _clean(letters.text(ids[at:start]))
        yield f"{marks[0]}{_clean(letters.text(ids[start:end]))}{marks[1]}"
        at = end
    yield _clean(letters.text(ids[at:]))


def _clean(text: str) -> str:
    return _CONTROL.sub("�", text)
