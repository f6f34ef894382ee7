"""Exact duplicates and deterministic samples of a stream, in a few bytes per row.

Both rest on a 64-bit hash of what makes a row itself. Two different rows share one, and the later
is taken for a duplicate, with a probability of 3e-8 among a million rows and 0.4 % among the 370
million of Persona Hub.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import reject
from opencharacter.sources.rows import Tally

T = TypeVar("T")
_BATCH_ROWS = 2048
_LEAST_PENDING = 1 << 16
_NOT_DRAWN = -1
_NOT_MET = -2
SHORT = "asked for more than there are: short by"
"""A note of a tally."""
_Keys = NDArray[np.uint64]
_Positions = NDArray[np.int64]


class Candidate(NamedTuple, Generic[T]):
    """A good row, before anybody knows whether it is drawn."""

    position: int
    """Where it stands, as a number; unlike that of any other row."""
    place: str
    """Where it stands, in words."""
    identity: bytes
    """What makes it a duplicate of another."""
    text: str
    """For the excerpt of a rejection."""
    value: T
    key: int = 0
    """Hash of seed and identity, set when it is drawn: a smaller sample has the smaller keys."""


Stream = Callable[[], Iterable[Candidate[T] | Rejection]]


class _Memory(Protocol):
    def first_met(self, keys: _Keys, positions: _Positions) -> _Positions:
        """Return where each of `keys` stood first."""
        ...


def draw(
    stream: Stream[T],
    n: int | None,
    *,
    seed: int,
    tally: Tally,
    same: Callable[[int, Candidate[T]], str],
) -> Iterator[Candidate[T] | Rejection]:
    """Yield the rows that are drawn and the rejected ones, in the order of the stream.

    The sample is the `n` distinct rows with the smallest hash of seed and identity: it depends on
    neither the order of the rows nor their repetition, and a smaller sample is part of a larger.
    The stream is read twice when `n` is given, once otherwise. Memory grows by 16 bytes per row
    drawn (all of them without `n`), up to three times that while it is sorted.

    Args:
        stream: Starts the stream anew at each call.
        n: Rows to draw; None = all. Too many is a note in `tally`, not an error.
        seed: Same seed, same sample, on any machine.
        tally: Counts of rows and of rows not drawn are added to it.
        same: Says in words what a row is a duplicate of, given where its like stands, which was
            yielded before.

    Raises:
        SourceError: The source changed between the two readings.
    """
    if n is None:
        yield from pick(stream(), None, seed=seed, tally=tally, same=same)
        return
    drawn = _Drawn(_smallest(stream(), n, seed))
    if len(drawn.keys) < n:
        tally.note(SHORT, n - len(drawn.keys))
    for batch in _batches(stream()):
        yield from _settled(batch, drawn, seed=seed, tally=tally, same=same)
    if drawn.missing:
        raise SourceError(
            f"the source changed while it was read: {drawn.missing:,} of the rows drawn are gone; "
            "wait until it is complete, then run the stage again"
        )


def pick(
    items: Iterable[Candidate[T] | Rejection],
    keys: NDArray[np.uint64] | None,
    *,
    seed: int,
    tally: Tally,
    same: Callable[[int, Candidate[T]], str],
) -> Iterator[Candidate[T] | Rejection]:
    """Yield the rows whose key is among `keys` (None = all), each once, and the rejected ones.

    Further arguments as for `draw`; `tally` counts rows and rows not drawn.
    """
    memory: _Memory = _Growing() if keys is None else _Drawn(np.unique(keys))
    for batch in _batches(items):
        yield from _settled(batch, memory, seed=seed, tally=tally, same=same)


def _settled(
    batch: list[Candidate[T] | Rejection],
    memory: _Memory,
    *,
    seed: int,
    tally: Tally,
    same: Callable[[int, Candidate[T]], str],
) -> Iterator[Candidate[T] | Rejection]:
    good = [item for item in batch if isinstance(item, Candidate)]
    positions = np.array([item.position for item in good], dtype=np.int64)
    keys = _keys(good, seed)
    found = zip(_first_met(keys, positions, memory), keys.tolist(), strict=True)
    for item in batch:
        tally.rows += 1
        if isinstance(item, Rejection):
            yield item
            continue
        first, key = next(found)
        if first == item.position:
            yield item._replace(key=key)
        elif first == _NOT_DRAWN:
            tally.not_drawn += 1
        else:
            yield reject(item.place, "duplicate", same(first, item), item.text)


def _first_met(keys: _Keys, positions: _Positions, memory: _Memory) -> list[int]:
    """Return for each row where its like was first met; its own position if nowhere before."""
    if not len(keys):
        return []
    distinct, index, back = np.unique(keys, return_index=True, return_inverse=True)
    firsts: list[int] = memory.first_met(distinct, positions[index])[back].tolist()
    return firsts


def _smallest(items: Iterable[Candidate[T] | Rejection], n: int, seed: int) -> _Keys:
    """Return the `n` smallest distinct keys, sorted."""
    kept = np.empty(0, dtype=np.uint64)
    pending: list[_Keys] = []
    n_pending = 0
    for batch in _batches(items):
        keys = _keys([item for item in batch if isinstance(item, Candidate)], seed)
        if len(kept) == n:
            keys = keys[keys < kept[-1]]
        pending.append(keys)
        n_pending += len(keys)
        if n_pending >= max(n, _LEAST_PENDING):
            kept, pending, n_pending = np.unique(np.concatenate([kept, *pending]))[:n], [], 0
    return np.unique(np.concatenate([kept, *pending]))[:n]


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    stream = iter(items)
    while batch := list(islice(stream, _BATCH_ROWS)):
        yield batch


def _keys(items: list[Candidate[T]], seed: int) -> _Keys:
    lead = f"{seed}/".encode()
    digests = [hashlib.blake2b(lead + item.identity, digest_size=8).digest() for item in items]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)


class _Drawn:
    """The keys of a sample, and where each was first met."""

    def __init__(self, keys: _Keys) -> None:
        self.keys = keys
        self._firsts = np.full(len(keys), _NOT_MET, dtype=np.int64)

    @property
    def missing(self) -> int:
        """Keys that were not met."""
        return int((self._firsts == _NOT_MET).sum())

    def first_met(self, keys: _Keys, positions: _Positions) -> _Positions:
        """Return for each of `keys`, sorted and distinct, its first position, or `_NOT_DRAWN`."""
        slots = np.searchsorted(self.keys, keys)
        inside = slots < len(self.keys)
        inside[inside] = self.keys[slots[inside]] == keys[inside]
        known = slots[inside]
        self._firsts[known] = np.where(
            self._firsts[known] == _NOT_MET, positions[inside], self._firsts[known]
        )
        firsts = np.full(len(keys), _NOT_DRAWN, dtype=np.int64)
        firsts[inside] = self._firsts[known]
        return firsts


class _Growing:
    """All keys so far in sorted runs, each at least twice as long as the next: 16 bytes a row.

    Source: the logarithmic method (Bentley and Saxe, 1980). A Python set takes about 90.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[_Keys, _Positions]] = []

    def first_met(self, keys: _Keys, positions: _Positions) -> _Positions:
        """Return for each of `keys`, sorted and distinct, its first position; remember new ones."""
        firsts = positions.copy()
        is_new = np.ones(len(keys), dtype=np.bool_)
        for run_keys, run_positions in self._runs:
            slots = np.minimum(np.searchsorted(run_keys, keys), len(run_keys) - 1)
            found = run_keys[slots] == keys
            firsts[found] = run_positions[slots[found]]
            is_new &= ~found
        if is_new.any():
            self._add(keys[is_new], positions[is_new])
        return firsts

    def _add(self, keys: _Keys, positions: _Positions) -> None:
        self._runs.append((keys, positions))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (left, left_at), (right, right_at) = self._runs[-2:]
            del self._runs[-2:]
            merged = np.concatenate([left, right])
            # Stable = timsort, which merges two sorted halves in linear time.
            order = np.argsort(merged, kind="stable")
            self._runs.append((merged[order], np.concatenate([left_at, right_at])[order]))
