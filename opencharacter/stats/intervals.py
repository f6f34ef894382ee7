"""Means and shares with intervals that take characters, not rows, as the unit of chance.

Sources: variance of a ratio of cluster totals, Cochran 1977 (Sampling Techniques, 11.4), the
cluster standard error that Miller 2024 (arXiv 2411.00640) asks of evaluations; bootstrap of whole
clusters, Davison and Hinkley 1997 (3.8); studentised and BCa, Efron 1987 (JASA 82); few clusters,
Cameron, Gelbach and Miller 2008 (Rev. Econ. Stat. 90); shares, Wilson 1927 (JASA 22).
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from opencharacter.stats.arrays import Floats, Labels, bootstrap_sums, finite, groups_of, totals
from opencharacter.stats.student import NORMAL, t_quantile

Method = Literal["t", "studentised", "bca", "percentile"]
DRAWS = 10_000
_FEW = 8
"""Characters below which resampling repeats a few over and over, and its tails run away."""
_MANY = 50
"""Characters from which on Student's t holds its level, and nothing is resampled."""
_NOTHING = 1e-9  # a standard error of shares that is rounding
_FLAT = 1e-6  # of the standard error: less spread is rounding, of clusters that are all alike


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how sure it is."""

    value: float | None
    """None = there is nothing to estimate it from."""
    low: float | None
    """Lower end of the interval; None = fewer than two clusters say nothing about chance."""
    high: float | None
    se: float | None
    """Standard error by clusters."""
    n: int
    """Rows."""
    clusters: int
    level: float
    """What share of such intervals should hold the true value, e.g. 0.95."""
    method: str
    """How the interval was made."""


def mean_interval(
    values: ArrayLike,
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
    method: Method | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Return the mean of rows with an interval over characters.

    Rows weigh the same; for a mean of characters give their means, without clusters. Measured: of
    intervals at 0.95 `studentised` holds 93-97 % from 10 characters on, also if they have 1 to 19
    rows each and scores crowd at an end of their scale; `t` is short of that with uneven characters
    under 20, `bca` and `percentile` under 50. Under 8 characters `t` holds 91-96 %, `studentised`
    92-96 % at up to four times the width. Shares near 0 or 1: `clustered_share`.

    Args:
        values: (n,) scores, finite.
        clusters: (n,) ids of characters; None = each row is one of its own.
        level: Of the interval.
        method: None = `studentised` from 8 to 49 characters, else `t`. `studentised` resamples
            characters and takes the quantiles of Student's ratio;
            `bca` and `percentile` those of the mean; `t` takes them from Student's t with k - 1
            degrees of freedom for k characters. Where more than a tail of the draws has no spread
            (all characters drawn are alike), `t` stands in, and `method` of the result says so.
        draws: How often characters are resampled; `t` does not.
        seed: Same seed, same interval.

    Raises:
        ValueError: A value is not finite, or there is not one cluster for each.
    """
    array = finite(values)
    groups = groups_of(clusters, len(array))
    sums = totals(groups, array, np.ones_like(array))  # (k, 2)
    return ratio_interval(sums, len(array), level=level, method=method, draws=draws, seed=seed)


def ratio_interval(
    sums: Floats,
    n: int,
    *,
    level: float = 0.95,
    method: Method | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """Return the ratio of two totals over clusters with its interval.

    Args:
        sums: (k, 2) numerator and denominator of each cluster; denominators are not negative.
        n: Rows behind them, for the result.
        level: See `mean_interval`, as method, draws and seed.
        method: See there.
        draws: See there.
        seed: See there.
    """
    check_level(level)
    k, below = len(sums), float(sums[:, 1].sum())
    if k == 0 or below == 0:
        return Estimate(None, None, None, None, n, k, level, "nothing to estimate from")
    value = float(sums[:, 0].sum()) / below
    if k == 1:
        return Estimate(value, None, None, None, n, k, level, "one cluster")
    errors = sums[:, 0] - value * sums[:, 1]  # (k,) sum to 0
    se = math.sqrt(k / (k - 1) * float(errors @ errors)) / below
    if method is None:
        method = "studentised" if _FEW <= k < _MANY else "t"
    ends = None
    if method == "studentised":
        ends = _studentised(errors, sums[:, 1], se, level, draws, seed)
    elif method != "t":
        ends = _resampled(errors, sums[:, 1], level, method, draws, seed)
    if ends is None:
        method, half = "t", se * t_quantile((1 + level) / 2, k - 1)
        ends = (-half, half)
    return Estimate(value, value + ends[0], value + ends[1], se, n, k, level, method)


def clustered_share(
    hits: ArrayLike, clusters: Labels | None = None, *, level: float = 0.95
) -> Estimate:
    """Return a share of rows of several characters, with Wilson's interval for the rows that count.

    Rows of one character are alike: n of them tell as much as n / design effect independent ones
    (Kish 1965; never more than n). If all rows are hits, or none, each character counts as one row.
    Measured: at 0.95 it holds 93-97 % of a share of 0.1 from 20 characters on, more with fewer.

    Args:
        hits: (n,) True or 1 for a hit, else False or 0.
        clusters: (n,) ids of characters.
        level: Of the interval.

    Raises:
        ValueError: A row is neither 0 nor 1.
    """
    array = finite(hits, "hits")
    if not np.isin(array, (0, 1)).all():
        raise ValueError("hits are 0 or 1")
    plain = mean_interval(array, clusters, level=level, method="t")
    if plain.value is None or plain.se is None:
        return plain
    low, high = wilson_ends(plain.value, plain)
    return replace(plain, low=low, high=high, method="wilson, effective rows")


def wilson_ends(share: float, like: Estimate, variance: float | None = None) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share, as sure as another share of those rows.

    Args:
        share: In [0, 1].
        like: A mean of rows in [0, 1] of two characters or more; where its standard error is 0,
            each character counts as one row.
        variance: Of one row; None = the rows are zeros and ones.
    """
    rows = float(like.clusters)
    if like.value is not None and like.se is not None and like.se > _NOTHING:
        one = like.value * (1 - like.value)
        rows = one / max(like.se**2, (one if variance is None else variance) / like.n)
    return _wilson(share, rows, t_quantile((1 + like.level) / 2, like.clusters - 1))


def contrast_interval(
    values: ArrayLike,
    first: ArrayLike,
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Return the mean of some rows less that of the others, with an interval over characters.

    A character may have rows of both kinds, or of one. Student's t with as many degrees of freedom
    as the smaller side has characters, less one. Measured: at 0.95 it holds 93-97 % from 10
    characters on each side, or 10 on both.

    Args:
        values: (n,) finite.
        first: (n,) True for the rows whose mean is the first.
        clusters: (n,) ids of characters.
        level: Of the interval.

    Returns:
        `clusters` are the characters of the smaller side. No value where a side has no rows; no
        interval where it has one character.

    Raises:
        ValueError: A value is not finite, or lengths differ.
    """
    check_level(level)
    array, side = finite(values), finite(first, "first").astype(np.bool_)
    if len(array) != len(side):
        raise ValueError(f"{len(array):,} values, but {len(side):,} sides")
    groups = groups_of(clusters, len(array))
    fewest = min(len(np.unique(groups[side])), len(np.unique(groups[~side])))
    n = len(array)
    nothing = Estimate(None, None, None, None, n, fewest, level, "nothing to estimate from")
    if fewest == 0:
        return nothing
    means = array[side].mean(), array[~side].mean()
    value = float(means[0] - means[1])
    if fewest < 2:
        return replace(nothing, value=value, method="one cluster")
    parts = np.where(side, (array - means[0]) / side.sum(), (means[1] - array) / (~side).sum())
    errors = totals(groups, parts)[:, 0]  # (k,)
    se = math.sqrt(fewest / (fewest - 1) * float(errors @ errors))
    half = se * t_quantile((1 + level) / 2, fewest - 1)
    return replace(nothing, value=value, low=value - half, high=value + half, se=se, method="t")


def check_level(level: float) -> None:
    """Refuse a level that is no chance, such as 95.

    Raises:
        ValueError: The level is not inside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: give a share between 0 and 1, such as 0.95")


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return (0.0 if share == 0 else low), (1.0 if share == 1 else high)


def _studentised(
    errors: Floats, below: Floats, se: float, level: float, draws: int, seed: int
) -> tuple[float, float] | None:
    """Return the ends of the interval less the value; None = too many draws have no spread."""
    k = len(errors)
    columns = np.stack([errors, below, errors**2, errors * below, below**2], axis=1)  # (k, 5)
    sums = bootstrap_sums(columns, draws, seed)  # (draws, 5)
    sums = sums[sums[:, 1] > 0]
    shift = sums[:, 0] / sums[:, 1]  # (draws,)
    squares = sums[:, 2] - 2 * shift * sums[:, 3] + shift**2 * sums[:, 4]
    spread = np.sqrt(k / (k - 1) * np.maximum(squares, 0)) / sums[:, 1]  # (draws,)
    flat = spread <= _FLAT * se
    ratios = np.where(np.abs(shift) > _FLAT * se, np.copysign(np.inf, shift), 0.0)
    ratios[~flat] = shift[~flat] / spread[~flat]
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail], method="inverted_cdf")
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    return -float(high) * se, -float(low) * se


def _resampled(
    errors: Floats, below: Floats, level: float, method: str, draws: int, seed: int
) -> tuple[float, float]:
    """Return the ends of the BCa or the percentile interval less the value."""
    sums = bootstrap_sums(np.stack([errors, below], axis=1), draws, seed)
    shifts = sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.inf)  # (draws,)
    tails = [(1 - level) / 2, (1 + level) / 2]
    if method == "bca":
        left_out = -errors / np.maximum(below.sum() - below, 1e-300)  # (k,) less the value
        tails = bca_tails(shifts, 0.0, left_out, level)
    low, high = np.quantile(shifts, tails)
    return float(low), float(high)


def bca_tails(draws: Floats, value: float, left_out: Floats, level: float) -> list[float]:
    """Return which quantiles of the draws the bias-corrected accelerated interval takes.

    Args:
        draws: (draws,) resampled estimates.
        value: The estimate.
        left_out: (k,) estimates without one cluster each.
        level: Of the interval.
    """
    below = float(np.mean(draws < value) + np.mean(draws == value) / 2)
    bias = NORMAL.inv_cdf(min(max(below, 1 / (2 * len(draws))), 1 - 1 / (2 * len(draws))))
    lever = left_out.mean() - left_out  # (k,)
    cubes, squares = float((lever**3).sum()), float((lever**2).sum())
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    tails = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + NORMAL.inv_cdf(tail)
        tails.append(NORMAL.cdf(bias + z / (1 - acceleration * z)))
    return tails
