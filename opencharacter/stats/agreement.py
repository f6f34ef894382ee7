"""Whether raters agree more than by chance.

Sources: alpha, Krippendorff 2011 (Computing Krippendorff's Alpha-Reliability); kappa, Cohen 1960
(Educ. Psychol. Meas. 20), weighted, Cohen 1968 (Psychol. Bull. 70). Intervals: `jackknife`.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from opencharacter.stats.arrays import Bools, Floats, Ints, finite
from opencharacter.stats.correlation import midranks, pair

Measure = Literal["nominal", "ordinal", "interval"]
Weights = Literal["none", "linear", "quadratic"]
Ratings = Sequence[Sequence[float | None]]


def alpha(ratings: Ratings, measure: Measure = "ordinal") -> float | None:
    """Return Krippendorff's alpha: 1 = all agree, 0 = by chance, below 0 = less than by chance.

    Args:
        ratings: (raters, items); None = this rater gave no mark. An item with fewer than two marks
            does not count.
        measure: `nominal` marks are equal or not; `ordinal` have an order; `interval` distances.

    Returns:
        None if no item has two marks, or all marks are equal: there is nothing to agree about.

    Raises:
        ValueError: The raters have other numbers of items, or a mark is not finite.
    """
    marks, items = pairable(ratings)
    return alpha_of(marks, items, measure)


def pairable(ratings: Ratings) -> tuple[Floats, Ints]:
    """Return the marks (m,) of items with two or more, and the item of each (m,), by number.

    Raises:
        ValueError: The raters have other numbers of items, or a mark is not finite.
    """
    lengths = {len(row) for row in ratings}
    if len(lengths) > 1:
        raise ValueError(f"raters with {sorted(lengths)} items: give each one mark or None an item")
    n = lengths.pop() if lengths else 0
    there: Bools = np.array([[mark is not None for mark in row] for row in ratings], np.bool_)
    keep = there.reshape(len(ratings), n) & (there.reshape(len(ratings), n).sum(axis=0) >= 2)
    marks = finite([mark for row in ratings for mark in row if mark is not None], "ratings")
    return marks[keep[there.reshape(len(ratings), n)]], np.nonzero(keep)[1]


def alpha_of(marks: Floats, items: Ints, measure: Measure = "ordinal") -> float | None:
    """Return alpha of marks in a long table.

    Args:
        marks: (m,) finite.
        items: (m,) which item each is of; every item occurs twice or more.
        measure: See `alpha`.
    """
    n = len(marks)
    if n == 0:
        return None
    _, items = np.unique(items, return_inverse=True)
    sizes = np.bincount(items)  # (items,)
    if measure == "nominal":
        observed, expected = _nominal(marks, items, sizes)
    else:
        # The distance of ordinal marks is that of their mean ranks among all marks that count.
        values = midranks(marks) if measure == "ordinal" else marks
        values = values - values.mean()
        means = np.bincount(items, weights=values) / sizes
        squares = np.bincount(items, weights=(values - means[items]) ** 2)  # (items,)
        observed = 2 * float((squares * sizes / (sizes - 1)).sum())
        expected = 2 * n * float(values @ values) / (n - 1)
    return 1 - observed / expected if np.unique(marks).size > 1 else None


def _nominal(marks: Floats, items: Ints, sizes: Ints) -> tuple[float, float]:
    """Return n times the disagreement inside of items, and n times that by chance."""
    n = len(marks)
    _, kinds = np.unique(marks, return_inverse=True)
    cells, counts = np.unique(items * (kinds.max() + 1) + kinds, return_counts=True)
    same = np.bincount(cells // (kinds.max() + 1), weights=counts.astype(np.float64) ** 2)
    observed = float(((sizes.astype(np.float64) ** 2 - same) / (sizes - 1)).sum())
    total = np.bincount(kinds).astype(np.float64)
    return observed, (n * n - float(total @ total)) / (n - 1)


def kappa(a: ArrayLike, b: ArrayLike, weights: Weights = "quadratic") -> float | None:
    """Return Cohen's kappa of two raters: 1 = all agree, 0 = by chance.

    Args:
        a: (n,) finite marks of one rater.
        b: (n,) marks of the other on the same items.
        weights: How bad it is to be off: `none` always the same, `linear` by the distance of the
            marks, `quadratic` by its square. The distance is that of the marks themselves, so a
            mark that nobody gave leaves no gap out, as it does where categories are numbered.

    Returns:
        None if there is no item, or both gave one and the same mark throughout.

    Raises:
        ValueError: They differ in length, or a mark is not finite.
    """
    first, second = pair(a, b)
    if len(first) == 0:
        return None
    if weights == "none":
        observed = float(np.mean(first != second))
        expected = 1 - float(np.prod(_shares(first, second), axis=0).sum())
    elif weights == "linear":
        observed, expected = float(np.mean(np.abs(first - second))), _mean_distance(first, second)
    else:
        observed = float(np.mean((first - second) ** 2))
        expected = float(first.var() + second.var() + (first.mean() - second.mean()) ** 2)
    if np.unique(np.concatenate([first, second])).size == 1:
        return None
    return 1 - observed / expected


def _shares(a: Floats, b: Floats) -> Floats:
    """Return the share of each mark with either rater: (2, marks)."""
    marks = np.unique(np.concatenate([a, b]))
    counts = [np.bincount(np.searchsorted(marks, x), minlength=len(marks)) for x in (a, b)]
    return np.stack(counts) / len(a)


def _mean_distance(a: Floats, b: Floats) -> float:
    """Return the mean of |x - y| over all x of a and y of b, from their distribution functions."""
    marks = np.unique(np.concatenate([a, b]))
    below_a, below_b = np.cumsum(_shares(a, b), axis=1)[:, :-1]
    apart = below_a * (1 - below_b) + below_b * (1 - below_a)
    return float(apart @ np.diff(marks))
