"""Nearly the same answer by many characters or to many questions: one stays, others are refused.

Answers are compared as sets of runs of three words. `minhash` finds the pairs worth a look, and
each is decided by the Jaccard similarity of the two sets themselves: what is called alike is alike.
Of the pairs at a similarity of 0.8 three in a million are missed, of those at 0.6 four in a
hundred.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from opencharacter.checks.words import hashed_words
from opencharacter.ids import stable_number
from opencharacter.minhash import Bands, Sets, band_keys, near_pairs, similarity, with_company
from opencharacter.mix.screening import Refusal
from opencharacter.records import Role
from opencharacter.store.rows import part_files, read_columns

_LEAST_WORDS = 8  # "Paris." is the right answer of every character
_BANDS = Bands(24, 4)
_ROWS_AT_ONCE = 128
_CHARS_AT_ONCE = 1 << 18
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)

_Keep = Callable[[str], bool]


class Spoken(NamedTuple):
    """What the character says in a response."""

    response_id: str
    draw: int
    text: str


class Alike(NamedTuple):
    """The row that stays, and how like it the refused one is."""

    kept_id: str
    similarity: float
    """Shared runs of three words over all of both, in (0, 1]."""


class _Batch(NamedTuple):
    """Rows of eight words or more, and the runs of three words of each."""

    turns: list[tuple[int, str]]
    """Draw and id of each."""
    runs: Sets


def alike_rows(
    responses: Sequence[Path], wanted: Container[str], *, threshold: float, seed: int
) -> dict[str, Refusal]:
    """Return the responses that are nearly the same as another one that may enter, by id.

    Args:
        responses: Data folders of the response stages.
        wanted: Ids of the responses to look at.
        threshold: As `near_duplicates` takes it.
        seed: Of the mixture.
    """

    def read(keep: _Keep) -> Iterator[Spoken]:
        return _spoken(responses, lambda id_: id_ in wanted and keep(id_))

    found = near_duplicates(read, threshold=threshold, seed=seed)
    return {
        id_: Refusal("near_duplicate_answer", f"{alike.similarity:.2f} like {alike.kept_id}")
        for id_, alike in found.items()
    }


def _spoken(responses: Sequence[Path], keep: _Keep) -> Iterator[Spoken]:
    parts = [part for folder in responses for part in part_files(folder)]
    for id_, draw, messages in read_columns(parts, ("id", "draw", "messages"), keep=keep):
        said = [m["content"] for m in messages if m["role"] == Role.assistant]
        yield Spoken(id_, draw, "\n".join(said))


def near_duplicates(
    read: Callable[[_Keep], Iterable[Spoken]], *, threshold: float, seed: int
) -> dict[str, Alike]:
    """Return the rows that are nearly the same as one that stays, by id.

    Rows are taken in the order of their draw, then of a hash: neither the order of reading nor the
    number of parts matters, and what fewer characters per instruction refuse, more refuse too. A
    row is refused if it is like one that was kept before it; that one is named, the most similar of
    several. Rows of fewer than eight words are never alike.

    Args:
        read: Starts those of the rows anew whose ids are to be kept; called twice. Memory holds 96
            bytes and the id of each row, and of those that look like another 4 bytes a word.
        threshold: Similarity from which on rows are alike, in [0.5, 1].
        seed: Of the mixture.
    """
    ids: list[str] = []
    keys = bytearray()
    for batch in _batches(read(lambda _: True)):
        ids += (id_ for _, id_ in batch.turns)
        keys += band_keys(batch.runs, _BANDS).tobytes()
    met = with_company(np.frombuffer(keys, dtype=np.uint32).reshape(-1, _BANDS.n))
    suspects = {ids[at] for at in np.flatnonzero(met).tolist()}
    del ids, keys, met
    if not suspects:
        return {}
    batches = list(_batches(read(suspects.__contains__)))
    turns = [
        (draw, stable_number("alike", seed, id_), id_) for b in batches for draw, id_ in b.turns
    ]
    return _sort_out(turns, Sets.joined([batch.runs for batch in batches]), threshold)


def _sort_out(
    turns: Sequence[tuple[int, int, str]], runs: Sets, threshold: float
) -> dict[str, Alike]:
    """Let each row, in the order of `turns`, be refused if it is like one that was not."""
    order = np.array(sorted(range(len(turns)), key=turns.__getitem__), dtype=np.int64)
    pairs = near_pairs(runs, _BANDS, threshold, np.argsort(order))
    found = similarity(runs, order[pairs.earlier], order[pairs.later])
    ids = [turns[at][-1] for at in order.tolist()]
    refused: dict[str, Alike] = {}
    for (kept, row), likeness in zip(pairs.each(), found, strict=True):
        before = refused.get(ids[row], Alike("", 0.0))
        if ids[kept] not in refused and likeness > before.similarity:
            refused[ids[row]] = Alike(ids[kept], float(likeness))
    return refused


def _batches(rows: Iterable[Spoken]) -> Iterator[_Batch]:
    some: list[Spoken] = []
    chars = 0
    for row in rows:
        some.append(row)
        chars += len(row.text)
        if len(some) >= _ROWS_AT_ONCE or chars >= _CHARS_AT_ONCE:
            yield _batch(some)
            some, chars = [], 0
    yield _batch(some)


def _batch(rows: Sequence[Spoken]) -> _Batch:
    hashes, ends = hashed_words([row.text for row in rows])
    sizes = np.diff(ends)
    is_long = sizes >= _LEAST_WORDS
    row_of = np.repeat(np.arange(len(rows)), sizes)  # (w,) of each word
    at = np.flatnonzero((row_of[:-2] == row_of[2:]) & is_long[row_of[:-2]])  # (r,)
    runs = sum(hashes[at + place] * factor for place, factor in enumerate(_FACTORS))
    numbers = np.cumsum(is_long) - 1  # among the long ones
    turns = [(row.draw, row.response_id) for row, long in zip(rows, is_long, strict=True) if long]
    tokens = (runs >> np.uint64(32)).astype(np.uint32)
    return _Batch(turns, Sets.of(numbers[row_of[at]], tokens, len(turns)))
