"""The n rows of a sample, kept up to date while rows go by: uniform, or with shares per stratum."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ALL = 1 << 64  # above every key
_NONE = -1
_LEAST_PENDING = 1 << 12

_Keys = NDArray[np.uint64]


class Kept(NamedTuple):
    """Rows of a sample in the order in which they are drawn."""

    keys: _Keys  # (k,)
    strata: NDArray[np.int64]  # (k,) numbers of `Quota.labels`
    turns: NDArray[np.float64]  # (k,) (rank within the stratum) / (share of the stratum)


class Bounds(NamedTuple):
    """The largest keys with which rows of the strata may still matter."""

    by_label: dict[str, int]
    unseen: int
    """Of a stratum that is not among them."""

    def of(self, label: str) -> int:
        """Return the largest key that still matters in a stratum."""
        return self.by_label.get(label, self.unseen)


class Quota:
    """The first `n` rows when strata take turns, each giving its row of the smallest key.

    A stratum with twice the share takes a turn twice as often; one that has run dry gives its turns
    to the others. What is kept depends on no order of rows, and a smaller sample is part of a
    larger: a row that is not among the first n never will be, whatever rows follow. With a single
    stratum these are the n smallest keys. Memory: 24 bytes for each of n rows, up to thrice that.
    """

    def __init__(self, n: int, shares: dict[str, float]) -> None:
        """Start empty; without `shares` all strata that turn up are equal, else others are out."""
        self.n = n
        self.labels: list[str] = []
        self.kept = Kept(
            np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        )
        self._shares = shares
        self._numbers: dict[str, int] = {}
        self.bounds = Bounds({}, _NONE if shares else _ALL)
        """The largest keys with which rows may still matter; they only fall."""
        self._pending: tuple[list[int], list[int]] = ([], [])
        for label in shares:
            self._number(label)
            self.bounds.by_label[label] = _ALL

    def offer(self, label: str, key: int) -> None:
        """Consider a row."""
        if key > self.bounds.of(label):
            return
        self._pending[0].append(key)
        self._pending[1].append(self._number(label))
        if len(self._pending[0]) >= max(self.n // 2, _LEAST_PENDING):
            self.settle()

    def settle(self) -> None:
        """Let the rows offered so far compete."""
        keys = np.concatenate([self.kept.keys, np.array(self._pending[0], dtype=np.uint64)])
        strata = np.concatenate([self.kept.strata, np.array(self._pending[1], dtype=np.int64)])
        self._pending = ([], [])
        order = np.lexsort((keys, strata))
        keys, strata = keys[order], strata[order]
        is_new = np.ones(len(keys), dtype=np.bool_)
        is_new[1:] = (keys[1:] != keys[:-1]) | (strata[1:] != strata[:-1])
        keys, strata = keys[is_new], strata[is_new]
        turns = (_ranks(strata) + 1) / self._weights()[strata]
        first = np.lexsort((keys, turns))[: self.n]
        self.kept = Kept(keys[first], strata[first], turns[first])
        if len(first) == self.n:
            self._lower_bounds()

    def counts(self) -> dict[str, int]:
        """Return how many rows of each stratum are kept, by label."""
        found = np.bincount(self.kept.strata, minlength=len(self.labels)).tolist()
        return dict(sorted(zip(self.labels, found, strict=True)))

    def _number(self, label: str) -> int:
        if label not in self._numbers:
            self._numbers[label] = len(self.labels)
            self.labels.append(label)
        return self._numbers[label]

    def _weights(self) -> NDArray[np.float64]:
        if not self._shares:
            return np.ones(len(self.labels))
        return np.array([self._shares[label] for label in self.labels], dtype=np.float64)

    def _lower_bounds(self) -> None:
        keys, strata, turns = self.kept
        last_turn, last_key = float(turns[-1]), int(keys[-1])
        counts = np.bincount(strata, minlength=len(self.labels))
        largest = np.zeros(len(self.labels), dtype=np.uint64)
        np.maximum.at(largest, strata, keys)
        following = (counts + 1) / self._weights()
        bounds = {}
        for number, label in enumerate(self.labels):
            own = int(largest[number]) if counts[number] else _NONE
            bounds[label] = _bound(float(following[number]), own, last_turn, last_key)
        unseen = _NONE if self._shares else _bound(1.0, _NONE, last_turn, last_key)
        self.bounds = Bounds(bounds, unseen)


def _bound(turn: float, own: int, last_turn: float, last_key: int) -> int:
    """Return the bound of a stratum: its next row would come at `turn`, after its `own` largest."""
    if turn < last_turn:
        return _ALL
    return max(own, last_key) if turn == last_turn else own


def _ranks(strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each row within its stratum; `strata` is sorted."""
    starts = np.flatnonzero(np.diff(strata, prepend=-1) != 0)
    sizes = np.diff(starts, append=len(strata))
    return np.arange(len(strata)) - np.repeat(starts, sizes)
