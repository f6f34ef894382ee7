"""The proof of the mask: what is learned, decoded back, is what the assistant says."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opencharacter.errors import AccountingError
from opencharacter.train.dialogues import Dialogue
from opencharacter.train.layout import Frame
from opencharacter.train.texts import Ids, Spelling

UNLEARNED = -100
"""Label of a token that is only read."""


class Spans(NamedTuple):
    """Stretches of tokens that are learned, of several rows."""

    rows: NDArray[np.int64]
    """Which row each stands in."""
    starts: NDArray[np.int64]
    """Where it begins among the tokens of all rows."""
    ends: NDArray[np.int64]


def spans_of(labels: Ids, bounds: NDArray[np.int32]) -> Spans:
    """Return the stretches of labels that are not -100; none goes over the end of a row.

    Args:
        labels: Of all rows, one after another.
        bounds: Where each row begins, and where the last one ends.
    """
    learned = labels != UNLEARNED
    before = np.concatenate([[False], learned[:-1]])
    before[bounds[:-1][bounds[:-1] < len(labels)]] = False
    starts = np.flatnonzero(learned & ~before)
    after = np.concatenate([learned[1:], [False]])
    after[bounds[1:][bounds[1:] > 0] - 1] = False
    ends = np.flatnonzero(learned & ~after) + 1
    return Spans(np.searchsorted(bounds, starts, side="right") - 1, starts, ends)


def check_mask(
    tokens: pa.RecordBatch, dialogues: Sequence[Dialogue], frame: Frame, spelling: Spelling
) -> int:
    """Return how many turns are learned, after checking each against the dialogue, in bytes.

    Args:
        tokens: Rows of `Tokens`.
        dialogues: What they were made of, in the same order.
        frame: What the template puts around what the assistant says.
        spelling: What each token stands for.

    Raises:
        AccountingError: something else is learned, or the labels are not those of the ids.
    """
    ids = tokens.column("input_ids").values.to_numpy()
    labels = tokens.column("labels").values.to_numpy()
    bounds = tokens.column("labels").offsets.to_numpy()
    learned = labels != UNLEARNED
    spoken = labels[learned]
    if not np.array_equal(spoken, ids[learned]):
        raise AccountingError("labels are not the ids of their tokens; please report this")
    dropped = tokens.column("dropped_turns").to_pylist()
    expected = [
        (row, spelling.expected(frame.before + dialogue.texts[place]) + frame.after.encode())
        for row, dialogue in enumerate(dialogues)
        for place in range(len(dialogue.roles) - dropped[row])
        if dialogue.is_learned(place)
    ]
    spans = spans_of(labels, bounds)
    said = spelling.decode(spoken).tobytes()
    wide = np.concatenate([[0], np.cumsum(spelling.lengths(spoken))])
    at = np.concatenate([[0], np.cumsum(spans.ends - spans.starts)])
    ends = wide[at].tolist()
    found = [
        (row, said[start:end])
        for row, start, end in zip(spans.rows.tolist(), ends, ends[1:], strict=False)
    ]
    if found != expected:
        raise _mismatch(found, expected, dialogues)
    return len(found)


def _mismatch(
    found: Sequence[tuple[int, bytes]],
    expected: Sequence[tuple[int, bytes]],
    dialogues: Sequence[Dialogue],
) -> AccountingError:
    """Name the first turn that differs."""
    pairs = zip(found, expected, strict=False)
    place = next((n for n, (one, other) in enumerate(pairs) if one != other), None)
    place = min(len(found), len(expected)) if place is None else place
    row = (expected[place : place + 1] or found[place : place + 1])[0][0]
    texts = [each[place][1][:80] if place < len(each) else None for each in (found, expected)]
    return AccountingError(
        f"what row {dialogues[row].row_id} learns is not what its assistant says: {texts[0]!r} "
        f"instead of {texts[1]!r}; choose another tokenize.template, or report this"
    )
