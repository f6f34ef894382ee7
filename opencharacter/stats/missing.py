"""What may be said where scores are missing: a headline, or only bounds.

A judge that gave no verdict leaves a hole. Means over what is left are means over other items for
each system, so they are a headline only if hardly anything is missing and no system misses more
than another. Otherwise there are bounds: the missing all at the worst end of the scale, or all at
the best; they hold whatever the reason for the holes.

Sources: Manski 1990 (Am. Econ. Rev. 80); intervals around both ends, Horowitz and Manski 2000 (JASA
95); sign flips of whole characters, which are McNemar's exact test where each has one item.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from opencharacter.stats.arrays import Bools, Floats, Labels, present
from opencharacter.stats.intervals import DRAWS, Estimate, mean_interval
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import sign_flip

Scores = Sequence[float | None]


class Bounds(NamedTuple):
    """Where a mean must be, whatever the missing scores are."""

    worst: float | None
    """The mean if all that is missing is at the bad end; None = there are no rows at all."""
    best: float | None
    low: float | None
    """Lower end of the interval around `worst`; None = fewer than two characters."""
    high: float | None
    """Upper end of the interval around `best`."""
    missing: int
    n: int
    """Rows, missing ones included."""


class Headline(NamedTuple):
    """What a report may print of some systems."""

    shown: bool
    """Whether `means` may be the headline; else print `bounds`, and `reasons`."""
    reasons: list[str]
    means: dict[str, Estimate]
    """Over the items that every system has a score for."""
    bounds: dict[str, Bounds]
    coverage: dict[str, float | None]
    """Share of rows with a score; None = no rows."""
    p: float | None
    """Of systems missing equally much: the smallest over pairs, by Holm; None = no pairs."""


def mean_bounds(
    scores: Scores,
    scale: tuple[float, float],
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
) -> Bounds:
    """Return between what the mean must be.

    The interval holds the true mean of all rows at least as often as its level, whichever scores
    are missing and why.

    Args:
        scores: (n,) None = missing.
        scale: Lowest and highest score there can be.
        clusters: (n,) ids of characters.
        level: Of the intervals, Student's t.

    Raises:
        ValueError: A score is outside of the scale, or not finite.
    """
    worst, best = _filled(scores, scale)
    return _bounds(worst, best, clusters, level, missing=sum(score is None for score in scores))


def difference_bounds(
    a: Scores,
    b: Scores,
    scale: tuple[float, float],
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
) -> Bounds:
    """Return between what the mean difference a - b on the same items must be.

    Args:
        a: (n,) scores of one system; None = missing.
        b: (n,) of the other on the same items.
        scale: Lowest and highest score there can be.
        clusters: (n,) ids of characters.
        level: Of the intervals, Student's t.

    Raises:
        ValueError: They differ in length, or a score is outside of the scale or not finite.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a):,} scores of a, {len(b):,} of b: give None for what is missing")
    worst_a, best_a = _filled(a, scale)
    worst_b, best_b = _filled(b, scale)
    missing = sum(x is None or y is None for x, y in zip(a, b, strict=True))
    return _bounds(worst_a - best_b, best_a - worst_b, clusters, level, missing=missing)


def missing_differs(
    a: Scores, b: Scores, clusters: Labels | None = None, *, draws: int = DRAWS, seed: int = 0
) -> float | None:
    """Return the p-value of two systems missing equally much on the same items.

    Args:
        a: (n,) scores of one system; None = missing.
        b: (n,) of the other on the same items.
        clusters: (n,) ids of characters, whose signs are flipped as a whole.
        draws: See `paired.sign_flip`.
        seed: See there.

    Returns:
        None with fewer than two characters.
    """
    gaps = present(a, "a")[1].astype(np.float64) - present(b, "b")[1].astype(np.float64)
    return sign_flip(gaps, clusters, draws=draws, seed=seed)


def headline(
    systems: Mapping[str, Scores],
    scale: tuple[float, float],
    clusters: Labels | None = None,
    *,
    least: float = 0.99,
    alpha: float = 0.05,
    seed: int = 0,
) -> Headline:
    """Return whether the means of some systems may be printed, and what to print instead.

    Args:
        systems: (n,) scores of each on the same items in the same order; None = missing.
        scale: Lowest and highest score there can be.
        clusters: (n,) ids of characters.
        least: Every system must have this share of its scores.
        alpha: Level at which systems miss unequally much.
        seed: Of the sign flips.

    Raises:
        ValueError: Systems have other numbers of items, a score is off the scale or not finite.
    """
    lengths = {name: len(scores) for name, scores in systems.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"systems with other numbers of items: {lengths}; give None for missing")
    there = {name: present(scores, name)[1] for name, scores in systems.items()}
    coverage = {name: float(has.mean()) if len(has) else None for name, has in there.items()}
    p, reasons = _unequal(systems, clusters, alpha, seed)
    for name, share in coverage.items():
        if share is None:
            reasons.append(f"{name}: no items")
        elif share < least:
            reasons.append(f"{name}: {share:.1%} scored, less than {least:.1%}")
    return Headline(
        shown=bool(systems) and not reasons,
        reasons=reasons,
        means=_means(systems, there, scale, clusters),
        bounds={name: mean_bounds(scores, scale, clusters) for name, scores in systems.items()},
        coverage=coverage,
        p=p,
    )


def _unequal(
    systems: Mapping[str, Scores], clusters: Labels | None, alpha: float, seed: int
) -> tuple[float | None, list[str]]:
    pairs = list(combinations(systems, 2))
    ps = holm([missing_differs(systems[a], systems[b], clusters, seed=seed) for a, b in pairs])
    known = [(p, pair) for p, pair in zip(ps, pairs, strict=True) if p is not None]
    if not known:
        return None, []
    p, (a, b) = min(known)
    unequal = f"{a} and {b} miss unequally many scores, p = {p:.2g}"
    return p, [unequal] if p <= alpha else []


def _means(
    systems: Mapping[str, Scores],
    there: Mapping[str, Bools],
    scale: tuple[float, float],
    clusters: Labels | None,
) -> dict[str, Estimate]:
    """Return the means over the items that every system has a score for."""
    if not systems:
        return {}
    everywhere = np.logical_and.reduce(list(there.values()))
    labels = None if clusters is None else np.asarray(clusters)[everywhere]
    return {
        name: mean_interval(_filled(scores, scale)[0][everywhere], labels)
        for name, scores in systems.items()
    }


def _filled(scores: Scores, scale: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the scores (n,) with the holes at the low end, and at the high end."""
    low, high = scale
    values, there = present(scores, "scores")
    if len(values) and not low <= values.min() <= values.max() <= high:
        raise ValueError(
            f"scores from {values.min()} to {values.max()} on a scale of {low} to {high}"
        )
    worst, best = np.full(len(there), float(low)), np.full(len(there), float(high))
    worst[there] = best[there] = values
    return worst, best


def _bounds(
    worst: Floats, best: Floats, clusters: Labels | None, level: float, *, missing: int
) -> Bounds:
    below = mean_interval(worst, clusters, level=level, method="t")
    above = mean_interval(best, clusters, level=level, method="t")
    return Bounds(below.value, above.value, below.low, above.high, missing, len(worst))
