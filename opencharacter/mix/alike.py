"""Nearly the same answer by many characters or to many questions: one stays, others are refused.

Answers are compared as sets of runs of three words. MinHash (Broder 1997) in bands (Indyk and
Motwani 1998) finds the pairs worth a look, and each is decided by the Jaccard similarity of the two
sets themselves: what is called alike is alike. Of the pairs at a similarity of 0.8 three in a
million are missed, of those at 0.6 four in a hundred.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.checks.words import words_of
from opencharacter.ids import stable_number
from opencharacter.mix.screening import Refusal
from opencharacter.records import Role
from opencharacter.store.rows import part_files, read_columns

_RUN = 3  # words
_LEAST_WORDS = 8  # "Paris." is the right answer of every character
_BANDS = 24
_SLOTS = 4  # of a band
_LEADERS = 64  # kept rows of a bucket that others are compared with: a thousand twins stay linear
_COMPARED = 100  # rows that one row is compared with at most, those that share most bands first

_Hashes = NDArray[np.uint64]


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


class _Suspect(NamedTuple):
    """A row that looks like another, in the order in which rows are kept."""

    draw: int
    key: int
    response_id: str
    bands: list[int]


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
    found = near_duplicates(partial(_spoken, responses, wanted), threshold=threshold, seed=seed)
    return {
        id_: Refusal("near_duplicate_answer", f"{alike.similarity:.2f} like {alike.kept_id}")
        for id_, alike in found.items()
    }


def _spoken(responses: Sequence[Path], wanted: Container[str]) -> Iterator[Spoken]:
    for folder in responses:
        for id_, draw, messages in read_columns(part_files(folder), ("id", "draw", "messages")):
            if id_ in wanted:
                said = [m["content"] for m in messages if m["role"] == Role.assistant]
                yield Spoken(id_, draw, "\n".join(said))


def near_duplicates(
    read: Callable[[], Iterable[Spoken]], *, threshold: float, seed: int
) -> dict[str, Alike]:
    """Return the rows that are nearly the same as one that stays, by id.

    Rows are taken in the order of their draw, then of a hash: neither the order of reading nor the
    number of parts matters, and what fewer characters per instruction refuse, more refuse too. A
    row is refused if it is like one that was kept before it; that one is named, the most similar of
    several. Rows of fewer than eight words are never alike.

    Args:
        read: Starts the rows anew; called twice. Memory holds 104 bytes and the id of each row,
            and of those that look like another 8 bytes a word and about 1 kB.
        threshold: Similarity from which on rows are alike, in [0.5, 1].
        seed: Of the mixture.
    """
    ids: list[str] = []
    draws = array("q")
    bands = bytearray()
    for row in read():
        runs = _runs(row.text)
        if runs is not None:
            ids.append(row.response_id)
            draws.append(row.draw)
            bands += _band_keys(runs).tobytes()
    keys = np.frombuffer(bands, dtype=np.uint32).reshape(len(ids), _BANDS)
    del bands
    suspects = sorted(
        _Suspect(draws[at], stable_number("alike", seed, ids[at]), ids[at], keys[at].tolist())
        for at in np.flatnonzero(_with_company(keys)).tolist()
    )
    del keys, ids
    wanted = {row.response_id for row in suspects}
    runs_of = {
        row.response_id: runs
        for row in read()
        if row.response_id in wanted and (runs := _runs(row.text)) is not None
    }
    return _sort_out(suspects, runs_of, threshold)


def _sort_out(
    suspects: Sequence[_Suspect], runs_of: dict[str, _Hashes], threshold: float
) -> dict[str, Alike]:
    kept: dict[tuple[int, int], list[str]] = {}
    refused: dict[str, Alike] = {}
    for row in suspects:
        buckets = [kept.setdefault(pair, []) for pair in enumerate(row.bands)]
        shared = Counter(kept_id for bucket in buckets for kept_id in bucket)
        found = [
            Alike(kept_id, _similarity(runs_of[row.response_id], runs_of[kept_id]))
            for kept_id, _ in shared.most_common(_COMPARED)
        ]
        best = max(found, key=lambda alike: alike.similarity, default=Alike("", 0.0))
        if best.similarity >= threshold:
            refused[row.response_id] = best
            del runs_of[row.response_id]
            continue
        for bucket in buckets:
            if len(bucket) < _LEADERS:
                bucket.append(row.response_id)
    return refused


def _runs(text: str) -> _Hashes | None:
    """Return the hashes of a text's runs of three words, each once, sorted; None if it is short."""
    words = words_of(text)
    if len(words) < _LEAST_WORDS:
        return None
    hashes = np.array([_word_hash(word) for word in words], dtype=np.uint64)
    n_runs = len(words) - _RUN + 1
    places = zip(_FACTORS[:_RUN], range(_RUN), strict=True)
    return np.unique(_mixed(sum(hashes[at : at + n_runs] * factor for factor, at in places)))


@lru_cache(maxsize=1 << 16)
def _word_hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest())


def _mixed(values: _Hashes) -> _Hashes:
    """Spread every bit over all others (the finalizer of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_FACTORS = _mixed(np.arange(1, _BANDS * _SLOTS + 1, dtype=np.uint64)) | np.uint64(1)  # (96,) odd


def _band_keys(runs: _Hashes) -> NDArray[np.uint32]:
    """Return a hash of each band of the MinHash signature."""
    least = (_FACTORS[:, None] * runs[None, :]).min(axis=1)  # (_BANDS * _SLOTS,)
    keys = _mixed((least.reshape(_BANDS, _SLOTS) * _FACTORS[:_SLOTS]).sum(axis=1))  # (_BANDS,)
    return (keys >> np.uint64(32)).astype(np.uint32)


def _with_company(keys: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which rows share a band with another."""
    found = np.zeros(len(keys), dtype=np.bool_)
    for band in keys.T:
        _, index, counts = np.unique(band, return_inverse=True, return_counts=True)
        found |= counts[index] > 1
    return found


def _similarity(one: _Hashes, other: _Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
