"""Whether two scores put items in the same order.

Sources: Spearman 1904 (Am. J. Psychol. 15), with mean ranks for ties; tau-b, Kendall 1945
(Biometrika 33); area under the curve as Mann and Whitney 1947 (Ann. Math. Stat. 18). Intervals:
`jackknife`.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from opencharacter.stats.arrays import Floats, finite


def spearman(a: ArrayLike, b: ArrayLike) -> float | None:
    """Return the rank correlation of a and b in [-1, 1]; ties share their mean rank.

    Args:
        a: (n,) finite scores.
        b: (n,) scores of the same items.

    Returns:
        None if there are fewer than two items, or all scores of one are equal.

    Raises:
        ValueError: They differ in length, or a score is not finite.
    """
    first, second = pair(a, b)
    if len(first) < 2:
        return None
    x, y = midranks(first) - (len(first) + 1) / 2, midranks(second) - (len(second) + 1) / 2
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return min(1.0, max(-1.0, float(x @ y) / scale)) if scale > 0 else None


def kendall(a: ArrayLike, b: ArrayLike) -> float | None:
    """Return Kendall's tau-b in [-1, 1]: pairs in the same order less pairs in the other.

    Args:
        a: (n,) finite scores.
        b: (n,) scores of the same items.

    Returns:
        None if there are fewer than two items, or all scores of one are equal.

    Raises:
        ValueError: They differ in length, or a score is not finite.
    """
    first, second = pair(a, b)
    n = len(first)
    agree, untied_a, untied_b = 0, 0, 0
    size = max(1, 2_000_000 // max(1, n))
    for start in range(0, n, size):
        rows = slice(start, start + size)
        x = np.sign(first[rows, None] - first).astype(np.int8)  # (d, n)
        y = np.sign(second[rows, None] - second).astype(np.int8)  # (d, n)
        agree += int((x * y).sum(dtype=np.int64))
        untied_a += int(np.count_nonzero(x))
        untied_b += int(np.count_nonzero(y))
    if not untied_a or not untied_b:
        return None
    return agree / (math.sqrt(untied_a) * math.sqrt(untied_b))


def auc(positives: ArrayLike, negatives: ArrayLike) -> float | None:
    """Return the chance that a positive scores above a negative, ties half; None without one.

    Args:
        positives: (p,) scores of what should be high, e.g. untouched answers.
        negatives: (q,) scores of what should be low, e.g. planted contradictions.
    """
    high, low = finite(positives, "positives"), finite(negatives, "negatives")
    if not len(high) or not len(low):
        return None
    ranks = midranks(np.concatenate([high, low]))[: len(high)]
    return float((ranks.mean() - (len(high) + 1) / 2) / len(low))


def midranks(values: Floats) -> Floats:
    """Return the rank of each value (n,), from 1; equal values share their mean rank."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[at]
    return ranks


def pair(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    """Return two arrays (n,) of finite scores.

    Raises:
        ValueError: They differ in length, or a score is not finite.
    """
    first, second = finite(a, "a"), finite(b, "b")
    if len(first) != len(second):
        raise ValueError(
            f"{len(first):,} scores of a, {len(second):,} of b: give those of one item"
        )
    return first, second
