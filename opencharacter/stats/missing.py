"""What may be said where scores are missing: hardly any may be, and of all systems alike.

A judge that gave no verdict leaves a hole. Means over what is left are means over other items for
each system, so they are a headline only if hardly anything is missing and no system misses more
than another. Otherwise there are bounds: the missing all at the worst end of the scale, or all at
the best; they hold whatever the reason for the holes.

Sources: Manski 1990 (Am. Econ. Rev. 80); intervals around both ends, Horowitz and Manski 2000 (JASA
95); sign flips of whole characters, which are McNemar's exact test where each has one item.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from numpy.typing import ArrayLike

from opencharacter.stats.arrays import Floats, Labels, finite
from opencharacter.stats.intervals import DRAWS, mean_interval
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import sign_flip


class Ends(NamedTuple):
    """Between what each row lies, whatever is missing of it."""

    lows: ArrayLike
    """(n,) the row's mean with the lowest score there can be for what is missing."""
    highs: ArrayLike
    """(n,) with the highest; the same as `lows` where nothing is missing."""


class Bounds(NamedTuple):
    """Where a mean must be, whatever the missing scores are."""

    worst: float | None
    """The mean if all that is missing is at the bad end; None = there are no rows at all."""
    best: float | None
    low: float | None
    """Lower end of the interval around `worst`; None = fewer than two characters."""
    high: float | None
    """Upper end of the interval around `best`."""
    n: int
    """Rows, missing ones included."""


class Unequal(NamedTuple):
    """The two systems of which one misses more than the other most surely."""

    first: str
    second: str
    p: float
    """Of missing equally much, by Holm over all pairs."""


def mean_bounds(rows: Ends, clusters: Labels | None = None, *, level: float = 0.95) -> Bounds:
    """Return between what the mean must be.

    The interval holds the true mean of all rows at least as often as its level, whichever scores
    are missing and why.

    Args:
        rows: Ends of each.
        clusters: (n,) ids of characters.
        level: Of the intervals, Student's t.

    Raises:
        ValueError: An end is not finite, or a row's low end is above its high end.
    """
    lows, highs = _checked(rows)
    below = mean_interval(lows, clusters, level=level, method="t")
    above = mean_interval(highs, clusters, level=level, method="t")
    return Bounds(below.value, above.value, below.low, above.high, len(lows))


def difference_bounds(
    a: Ends, b: Ends, clusters: Labels | None = None, *, level: float = 0.95
) -> Bounds:
    """Return between what the mean difference a - b on the same items must be.

    Args:
        a: Ends of each row of one system.
        b: Of the other on the same items.
        clusters: (n,) ids of characters.
        level: Of the intervals, Student's t.

    Raises:
        ValueError: They differ in length, or as in `mean_bounds`.
    """
    (low_a, high_a), (low_b, high_b) = _checked(a), _checked(b)
    if len(low_a) != len(low_b):
        raise ValueError(f"{len(low_a):,} rows of a, {len(low_b):,} of b: pair them by item")
    return mean_bounds(Ends(low_a - high_b, high_a - low_b), clusters, level=level)


def missing_differs(
    a: ArrayLike, b: ArrayLike, clusters: Labels | None = None, *, draws: int = DRAWS, seed: int = 0
) -> float | None:
    """Return the p-value of two systems missing equally much on the same items.

    Args:
        a: (n,) share of each row's scores that one system misses.
        b: (n,) the other's on the same items.
        clusters: (n,) ids of characters, whose signs are flipped as a whole.
        draws: See `paired.sign_flip`.
        seed: See there.

    Returns:
        None with fewer than two characters.
    """
    return sign_flip(finite(a, "a") - finite(b, "b"), clusters, draws=draws, seed=seed)


def most_unequal(
    missing: Mapping[str, ArrayLike], clusters: Labels | None = None, *, seed: int = 0
) -> Unequal | None:
    """Return the two of some systems that differ most surely in what they miss.

    Args:
        missing: By system, (n,) share of each row's scores that it misses, of the same items.
        clusters: (n,) ids of characters.
        seed: Of the sign flips.

    Returns:
        None with fewer than two systems or characters.
    """
    pairs = list(combinations(missing, 2))
    ps = holm([missing_differs(missing[a], missing[b], clusters, seed=seed) for a, b in pairs])
    known = [Unequal(*pair, p) for p, pair in zip(ps, pairs, strict=True) if p is not None]
    return min(known, key=lambda each: each.p, default=None)


def _checked(rows: Ends) -> tuple[Floats, Floats]:
    lows, highs = finite(rows.lows, "lows"), finite(rows.highs, "highs")
    if len(lows) != len(highs) or bool((lows > highs).any()):
        raise ValueError(
            f"{len(lows):,} low ends, {len(highs):,} high ends: each row has both, the low one not "
            "above the high one"
        )
    return lows, highs
