"""Two systems on the same items: the difference, its interval, its p-value, and "no worse".

Sources: paired differences by cluster, Miller 2024 (arXiv 2411.00640); sign flips, Fisher 1935 (The
Design of Experiments), of whole clusters Canay, Romano and Shaikh 2017 (Econometrica 85); two
one-sided tests, Schuirmann 1987 (J. Pharmacokinet. Biopharm. 15).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from opencharacter.stats.arrays import Floats, Labels, finite, groups_of, totals
from opencharacter.stats.intervals import DRAWS, Estimate, mean_interval
from opencharacter.stats.student import t_quantile, t_tail

_EXACT = 14  # clusters: 16,384 ways to flip them are all tried
_FLAT = 1e-9  # of the largest score: less spread is rounding, of differences that are all alike


class Shared(NamedTuple):
    """The items that two systems share."""

    items: list[str]
    """(n,) both have a score, in the order of the first."""
    a: Floats  # (n,)
    b: Floats  # (n,)
    missing_a: list[str]
    """Items that only b has a score for: see `missing.most_unequal` for when that matters."""
    missing_b: list[str]


class Difference(NamedTuple):
    """How much a is above b."""

    estimate: Estimate
    """Of the mean difference a - b; without an interval where all clusters differ alike: no spread
    tells nothing of chance."""
    p: float | None
    """Of no difference, two-sided, by sign flips; None = fewer than two clusters."""
    better: float | None
    """Chance that a is better than b: Student's t around the difference (flat prior); None = fewer
    than two clusters, or no spread."""


class Verdict(NamedTuple):
    """Whether a difference stays within a margin that was fixed before."""

    holds: bool | None
    """None = fewer than two clusters, or all alike: it cannot be said."""
    p: float | None
    """Of the difference being outside of the margin."""
    low: float | None
    """Ends of the interval at level 1 - 2 alpha: inside of the margin exactly if it holds."""
    high: float | None
    margin: float


def shared(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> Shared:
    """Return the scores of the items both systems have one for, and what is missing.

    Args:
        a: Score of each item; None = missing.
        b: The same of the other system.

    Raises:
        ValueError: One of them was not asked an item that the other was.
    """
    if a.keys() != b.keys():
        odd = sorted(a.keys() ^ b.keys())
        raise ValueError(
            f"{len(odd):,} items are of one system only, such as {odd[0]}: compare systems on the "
            "same items; a failed one is None"
        )
    pairs = {item: (one, b[item]) for item, one in a.items()}
    both = {item: (x, y) for item, (x, y) in pairs.items() if x is not None and y is not None}
    return Shared(
        list(both),
        finite([x for x, _ in both.values()], "a"),
        finite([y for _, y in both.values()], "b"),
        [item for item in a if a[item] is None and b[item] is not None],
        [item for item in a if b[item] is None and a[item] is not None],
    )


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """Return how much a is above b on the same items.

    Args:
        a: (n,) scores of one system, finite.
        b: (n,) scores of the other on the same items in the same order.
        clusters: (n,) ids of characters.
        level: Of the interval, which is that of `mean_interval`: measured there.
        draws: Of the interval and of the sign flips.
        seed: Same seed, same result.

    Raises:
        ValueError: a and b differ in length, or a score is not finite.
    """
    first, second = _same_length(a, b)
    differences = first - second
    estimate = mean_interval(differences, clusters, level=level, draws=draws, seed=seed)
    largest = float(np.abs([first, second]).max(initial=0))
    if estimate.se is not None and estimate.se <= _FLAT * largest:
        estimate = replace(estimate, low=None, high=None, se=0.0, method="all alike")
    p = sign_flip(differences, clusters, draws=draws, seed=seed)
    return Difference(estimate, p, _better(estimate))


def sign_flip(
    differences: ArrayLike, clusters: Labels | None = None, *, draws: int = DRAWS, seed: int = 0
) -> float | None:
    """Return the two-sided p-value of no difference, by flipping the signs of whole characters.

    Exact where a character's total is as likely to have either sign under no difference, as it is
    if the two systems could change places. Up to 14 characters with a difference all ways are
    tried; then (1 + as extreme) / (1 + draws), never 0.

    Args:
        differences: (n,) a - b, finite.
        clusters: (n,) ids of characters.
        draws: How many ways to flip are tried where not all are.
        seed: Of those.

    Returns:
        None with fewer than two characters.
    """
    array = finite(differences, "differences")
    sums = totals(groups_of(clusters, len(array)), array)[:, 0]  # (k,)
    if len(sums) < 2:
        return None
    bound = abs(float(sums.sum())) - 1e-9 * float(np.abs(sums).sum())
    sums = sums[sums != 0]
    k = len(sums)
    if k <= _EXACT:
        up = (np.arange(2**k)[:, None] >> np.arange(k)) & 1  # (2^k, k)
        return float(np.mean(np.abs((2 * up - 1) @ sums) >= bound))
    rng = np.random.default_rng(seed)
    size = max(1, 2_000_000 // k)
    extreme = 0
    for start in range(0, draws, size):
        d = min(size, draws - start)
        bits = np.frombuffer(rng.bytes(d * (k // 8 + 1)), np.uint8).reshape(d, -1)
        up = np.unpackbits(bits, axis=1, count=k)  # (d, k)
        extreme += int((np.abs(2 * (up @ sums) - sums.sum()) >= bound).sum())
    return (1 + extreme) / (1 + draws)


def least_p(characters: int, *, draws: int = DRAWS) -> float:
    """Return the smallest p-value that `sign_flip` can give with so many characters.

    With 5 it is 2 / 2^5 = 0.0625: at 0.05 nothing is found, however large it is.
    """
    if characters < 2:
        return 1.0
    return 2.0 ** (1 - characters) if characters <= _EXACT else 1 / (1 + draws)


def no_worse(estimate: Estimate, margin: float, *, alpha: float = 0.05) -> Verdict:
    """Return whether a difference a - b is above -margin: a is no worse than b (non-inferiority).

    A p-value above alpha of "no difference" does not show that; this does.

    Args:
        estimate: Of the difference, higher is better, e.g. `paired_difference(...).estimate`.
        margin: The largest loss that does not matter, positive, fixed before the run.
        alpha: How often a system that loses the whole margin may pass.

    Raises:
        ValueError: The margin is not positive.
    """
    return _within(estimate, margin, alpha, two_sided=False)


def equivalent(estimate: Estimate, margin: float, *, alpha: float = 0.05) -> Verdict:
    """Return whether a difference is inside of -margin to margin, by two one-sided t tests (TOST).

    Args:
        estimate: Of the difference.
        margin: The largest difference that does not matter, positive, fixed before the run.
        alpha: How often a system outside of the margin may pass.

    Raises:
        ValueError: The margin is not positive.
    """
    return _within(estimate, margin, alpha, two_sided=True)


def _within(estimate: Estimate, margin: float, alpha: float, *, two_sided: bool) -> Verdict:
    if not 0 < margin < np.inf:
        raise ValueError(f"margin = {margin}: give a positive number, in points of the score")
    value, se = estimate.value, estimate.se
    if value is None or not se:
        return Verdict(None, None, None, None, margin)
    df = estimate.clusters - 1
    p = t_tail((value + margin) / se, df)
    if two_sided:
        p = max(p, t_tail((margin - value) / se, df))
    half = se * t_quantile(1 - alpha, df)
    return Verdict(p <= alpha, p, value - half, value + half, margin)


def _better(estimate: Estimate) -> float | None:
    if estimate.value is None or not estimate.se:
        return None
    return t_tail(-estimate.value / estimate.se, estimate.clusters - 1)


def _same_length(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    first, second = finite(a, "a"), finite(b, "b")
    if len(first) != len(second):
        raise ValueError(
            f"{len(first):,} scores of a, {len(second):,} of b: pair them by item (paired.shared)"
        )
    return first, second
