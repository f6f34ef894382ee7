"""Groups of near-duplicates among drawn rows, each led by the member that was drawn first."""

from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.minhash import Pairs
from opencharacter.records import Rejection
from opencharacter.sources.draw import Candidate
from opencharacter.sources.near import WordSets


class Groups(NamedTuple):
    """Who leads each drawn row, in the order of the rows."""

    leaders: NDArray[np.int64]  # (n,) numbers of rows; a row alone leads itself
    positions: NDArray[np.int64]  # (n,) where each stands in the source
    keys: NDArray[np.uint64]  # (n,)

    def followed(self) -> set[int]:
        """Return the rows that lead others."""
        rows = np.arange(len(self.leaders))
        return set(self.leaders[self.leaders != rows].tolist())


def find_groups(
    drawn: Iterable[Candidate[Any] | Rejection],
    threshold: float,
    *,
    chained: bool,
    most: int,
    order: NDArray[np.uint64] | None = None,
) -> Groups:
    """Group the drawn rows; of more than `most` each is alone, for memory's sake.

    Args:
        drawn: With their keys.
        order: Keys in the order in which they were drawn; None = ascending.
        threshold: Jaccard similarity of two near rows, in (0, 1].
        chained: A group is all that is near over others, else only what is near its leader.
        most: Rows; near ones cost about 140 bytes a row while they are looked for, others 16.
    """
    sets, keys, positions = WordSets(), array("Q"), array("q")
    for item in drawn:
        if not isinstance(item, Rejection):
            if len(keys) < most:
                sets.add(item.text)
            elif len(keys) == most:
                sets = WordSets()
            keys.append(item.key)
            positions.append(item.position)
    met = np.frombuffer(keys, dtype=np.uint64)
    places = np.frombuffer(positions, dtype=np.int64)
    if len(met) > most:
        return Groups(np.arange(len(met)), places, met)
    turns = met if order is None else _places(order, met)
    row_of = np.argsort(turns, kind="stable")
    rank = np.argsort(row_of)
    pairs = sets.near_pairs(rank, threshold, chained=chained)
    leaders = first_near(pairs, len(sets))
    return Groups(row_of[leaders[rank]], places, met)


def _places(order: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return where in `order` each key stands first."""
    ascending = np.argsort(order, kind="stable")
    return ascending[np.searchsorted(order[ascending], keys)].astype(np.uint64)


def first_near(pairs: Pairs, n: int) -> NDArray[np.int64]:
    """Let each row follow the earliest near one that follows nobody.

    Later rows change nothing for earlier ones: who leads in a part of a draw leads in all of it.
    """
    leaders = np.arange(n)
    for earlier, later in pairs.each():
        if leaders[later] == later and leaders[earlier] == earlier:
            leaders[later] = earlier
    return leaders
