"""The interval of any figure, by leaving out one character at a time.

Sources: Tukey 1958 (Ann. Math. Stat. 29), of clusters Cameron and Miller 2015 (J. Hum. Resour. 50);
the scale on which a correlation is spread evenly, Fisher 1915 (Biometrika 10).
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from opencharacter.stats.arrays import Ints, Labels, groups_of
from opencharacter.stats.intervals import Estimate, check_level
from opencharacter.stats.student import t_quantile

Scale = Literal["plain", "fisher"]


def jackknife(
    figure: Callable[[Ints], float | None],
    clusters: Labels,
    *,
    level: float = 0.95,
    scale: Scale = "plain",
) -> Estimate:
    """Return a figure with the interval that leaving out whole characters gives.

    For what is smooth in the rows: correlations, agreement, areas; not for medians. It needs
    neither draws nor a seed. Measured with scale `fisher`: at 0.95 it holds 93-97 % of ordinal
    alpha, of kappa with weights and of Spearman's correlation from 10 characters of 5 items on, of
    kappa without weights from 20 on.

    Args:
        figure: Of the numbers of the rows to take, e.g. `lambda rows: spearman(a[rows], b[rows])`.
        clusters: (n,) ids of characters.
        level: Of the interval.
        scale: `fisher` makes the interval of atanh(figure), for correlations and agreement, and
            for an area as 2 auc - 1: it stays inside of (-1, 1). `plain` makes it of the figure.

    Returns:
        No interval with fewer than two characters, or where the figure does not exist without one.
    """
    check_level(level)
    groups = groups_of(clusters, len(clusters))
    rows = np.arange(len(groups))
    k = int(groups.max()) + 1 if len(groups) else 0
    value = figure(rows)
    nothing = Estimate(value, None, None, None, len(rows), k, level, "jackknife")
    if value is None or k < 2:
        return replace(nothing, method="one cluster" if k == 1 else "nothing to estimate from")
    left_out = [figure(rows[groups != group]) for group in range(k)]
    values = np.array([other for other in left_out if other is not None])
    if len(values) < k:
        return replace(nothing, method="does not exist without some character")
    if scale == "fisher" and max(abs(value), float(np.abs(values).max())) > 1 - 1e-12:
        scale = "plain"
    middle = value
    if scale == "fisher":
        middle, values = math.atanh(value), np.arctanh(values)
    se = math.sqrt((k - 1) / k * float(((values - values.mean()) ** 2).sum()))
    half = se * t_quantile((1 + level) / 2, k - 1)
    low, high = middle - half, middle + half
    if scale == "fisher":
        low, high, se = math.tanh(low), math.tanh(high), se * (1 - value**2)
    return replace(nothing, low=low, high=high, se=se, method=f"jackknife, {scale}")
