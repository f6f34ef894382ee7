"""Which attributes hang together, more than they would by chance.

Mutual information of a sample is above 0 even where nothing hangs together, the more so the fewer
the characters and the more the values. So the values of one attribute are dealt out anew to the
characters, many times, and what that gives on the average is subtracted.

Sources: correction for chance by permutations, Vinh et al. 2010 (JMLR 11); residuals of single
cells, Haberman 1973; the largest of many against its own distribution, Westfall and Young 1993.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.population.attributes import ATTRIBUTES
from opencharacter.population.entropy import entropy

_DEALS = 200
_RARE = 0.95  # share of deals that stay below what is called more than chance
_STRIKING = 1.1  # times as often as if independent

_Codes = NDArray[np.int64]


class Joint(NamedTuple):
    """How far two attributes hang together."""

    attributes: tuple[str, str]
    above_chance: float
    """`association` minus `chance`; near 0 = independent."""
    association: float
    """Mutual information over the smaller entropy, in [0, 1]."""
    chance: float
    """Mean association when the values are dealt out anew."""
    rare: float
    """Association that 19 of 20 such deals stay below."""
    striking: tuple[tuple[str, str, float], ...]
    """Pairs of values that occur oftener than if independent, with the ratio: at least 1.1, and
    further from independence than any pair in 19 of 20 deals."""

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the association is more than what 19 of 20 deals show."""
        return self.association > self.rare


def joints(rows: Sequence[Mapping[str, str]], *, least: int = 5, top: int = 5) -> list[Joint]:
    """Return how each two attributes hang together, the most above chance first.

    Args:
        rows: Attributes of each character; their order does not matter.
        least: Pairs that occur less often are not called striking.
        top: How many striking pairs.
    """
    found = [_joint(pair, rows, least, top) for pair in combinations(ATTRIBUTES, 2)]
    return sorted(found, key=lambda joint: -joint.above_chance)


class _Cells(NamedTuple):
    """The pairs of values that occur."""

    one: _Codes
    other: _Codes
    counts: _Codes
    residuals: NDArray[np.float64]
    """In standard deviations from what independence gives."""


def _joint(pair: tuple[str, str], rows: Sequence[Mapping[str, str]], least: int, top: int) -> Joint:
    names, codes = zip(*(_coded([row[name] for row in rows]) for name in pair), strict=True)
    sizes = [np.bincount(each) for each in codes]
    smaller = min(map(entropy, sizes))
    if not smaller:  # one value only: there is nothing to hang together
        return Joint(pair, 0.0, 0.0, 0.0, 0.0, ())
    apart = sum(map(entropy, sizes))
    cells = _cells(codes[0], codes[1], sizes)
    association = (apart - entropy(cells.counts)) / smaller
    dealt = [(entropy(deal.counts), _largest(deal, least)) for deal in _deals(sizes)]
    by_chance = [(apart - together) / smaller for together, _ in dealt]
    limit = float(np.quantile([largest for _, largest in dealt], _RARE))
    striking = [
        (names[0][a], names[1][b], float(count * len(rows) / (sizes[0][a] * sizes[1][b])))
        for a, b, count, residual in zip(*cells, strict=True)
        if count >= least and residual > limit
    ]
    striking = sorted((s for s in striking if s[2] >= _STRIKING), key=lambda s: (-s[2], s[:2]))
    chance = float(np.mean(by_chance))
    return Joint(
        attributes=pair,
        above_chance=association - chance,
        association=association,
        chance=chance,
        rare=float(np.quantile(by_chance, _RARE)),
        striking=tuple(striking[:top]),
    )


def _coded(values: Sequence[str]) -> tuple[list[str], _Codes]:
    """Return the different values, and of each given one which it is."""
    names = sorted(set(values))
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[value] for value in values], dtype=np.int64)


def _deals(sizes: Sequence[_Codes]) -> Iterator[_Cells]:
    """Yield the pairs of values that occur when one attribute is dealt out anew, many times.

    They hang on how often each value occurs, and on nothing else.
    """
    drawn = np.random.default_rng(0)
    one, other = (np.repeat(np.arange(len(size)), size) for size in sizes)  # (n,) each
    for _ in range(_DEALS):
        yield _cells(one, drawn.permutation(other), sizes)


def _cells(one: _Codes, other: _Codes, sizes: Sequence[_Codes]) -> _Cells:
    n = len(one)
    pairs, counts = np.unique(one * len(sizes[1]) + other, return_counts=True)
    a, b = pairs // len(sizes[1]), pairs % len(sizes[1])
    expected = sizes[0][a] * sizes[1][b] / n
    spread = expected * (1 - sizes[0][a] / n) * (1 - sizes[1][b] / n) * n / (n - 1)
    return _Cells(a, b, counts, (counts - expected) / np.sqrt(spread))


def _largest(cells: _Cells, least: int) -> float:
    """Return the largest residual of pairs that occur often enough; 0 without any."""
    return float(np.max(cells.residuals, where=cells.counts >= least, initial=0.0))
