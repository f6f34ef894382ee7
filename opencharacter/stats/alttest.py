"""Whether a judge may stand in for human annotators: the alternative annotator test.

Each annotator in turn is left out. On each item it is compared who is closer to the annotators that
remain: the judge or the one left out. The judge is cheaper,
which is worth epsilon: it beats an annotator if it is as close on as many items less epsilon.

Source: Calderon, Reichart and Dror 2025 (arXiv 2501.10970): 50-100 items, three annotators or more,
epsilon 0.2 for experts, 0.15 for trained workers, 0.1 for crowd workers. Differently from it the
t test takes characters as the unit where they are given; theirs takes items. Where all leads are
alike, t has nothing to go by, and they are counted.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.stats.arrays import Bools, Floats, Ints, Labels, present
from opencharacter.stats.intervals import Estimate, mean_interval
from opencharacter.stats.paired import no_worse

Closeness = Literal["equal", "distance"]
Marks = Sequence[float | None]

_ROUNDING = 1e-9  # of squared distances that are equal
_FEW = 30  # items of an annotator under which the paper does not trust its t test


class Against(NamedTuple):
    """The judge compared with one annotator."""

    n: int
    """Items both and at least one other annotator have marked."""
    judge: float | None
    """Share of them where the judge is at least as close to the others; None = there are none."""
    annotator: float | None
    """The same of the annotator."""
    p: float | None
    """Of the judge being worse by epsilon or more; None = fewer than two clusters."""
    beaten: bool
    """By Benjamini and Yekutieli over all annotators."""


class AltTest(NamedTuple):
    """Whether a judge may stand in for the annotators."""

    passed: bool
    """Half of the annotators or more are beaten."""
    winning_rate: float | None
    """Omega: share of annotators beaten; None = none could be compared."""
    advantage: float | None
    """Rho: mean of `Against.judge`, to compare judges by."""
    against: list[Against]
    """One for each annotator, in their order."""
    few: bool
    """An annotator has fewer than 30 items: the t test is not to be trusted."""


def alt_test(
    judge: Marks,
    annotators: Sequence[Marks],
    epsilon: float,
    clusters: Labels | None = None,
    *,
    closeness: Closeness = "equal",
    q: float = 0.05,
) -> AltTest:
    """Return whether a judge represents the annotators as well as one of them does.

    Args:
        judge: (n,) marks; None = missing.
        annotators: (annotators, n) theirs; None = missing.
        epsilon: What the judge's lower cost is worth, as a share of items, positive.
        clusters: (n,) ids of characters; None = each item is one of its own, as in the paper.
        closeness: `equal` counts the others with the same mark; `distance` takes the root of the
            mean squared distance to them, for scores.
        q: False discoveries among the annotators called beaten.

    Raises:
        ValueError: Fewer than two annotators, other numbers of items, epsilon not positive.
    """
    if len(annotators) < 2:
        raise ValueError(f"{len(annotators)} annotators: at least two are needed, better three")
    lengths = {len(marks) for marks in (judge, *annotators)}
    if len(lengths) > 1:
        raise ValueError(f"marks of {sorted(lengths)} items: give each one mark or None an item")
    if not epsilon > 0:
        raise ValueError(f"epsilon = {epsilon}: give a positive share, such as 0.1")
    labels = np.arange(lengths.pop()) if clusters is None else np.asarray(clusters)
    grid, there = _grid([judge, *annotators])
    found = []
    for left in range(1, len(grid)):
        rows, judge_wins, human_wins = _wins(grid, there, left, closeness)
        found.append(_against(judge_wins, human_wins, labels[rows], epsilon))
    beaten = _yekutieli([one.p for one in found], q)
    found = [one._replace(beaten=is_beaten) for one, is_beaten in zip(found, beaten, strict=True)]
    compared = [one for one in found if one.p is not None]
    shares = [one.judge for one in found if one.judge is not None]
    rate = sum(one.beaten for one in compared) / len(compared) if compared else None
    return AltTest(
        passed=rate is not None and rate >= 0.5,
        winning_rate=rate,
        advantage=float(np.mean(shares)) if shares else None,
        against=found,
        few=any(one.n < _FEW for one in found),
    )


def _grid(marks: Sequence[Marks]) -> tuple[Floats, Bools]:
    """Return all marks (raters, n), 0 where missing, and where they are."""
    grid, there = np.zeros((len(marks), len(marks[0]))), []
    for row, given in zip(grid, marks, strict=True):
        values, has = present(given, "marks")
        row[has] = values
        there.append(has)
    return grid, np.stack(there)


def _wins(
    grid: Floats, there: Bools, left: int, closeness: Closeness
) -> tuple[Ints, Floats, Floats]:
    """Return the rows where judge (rater 0) and annotator compare, and where each is as close."""
    others = np.array([rater not in (0, left) for rater in range(len(grid))])
    counts = there[others].sum(axis=0)  # (n,)
    rows = np.flatnonzero(there[0] & there[left] & (counts > 0))
    marks, has = grid[others][:, rows], there[others][:, rows]  # (others, m)
    apart = [marks - grid[rater, rows] for rater in (0, left)]
    costs = [x != 0 if closeness == "equal" else x**2 for x in apart]
    far = [(has * cost).sum(axis=0) for cost in costs]  # (m,) each; of as many others for both
    judge, human = (far[one] <= far[1 - one] + _ROUNDING for one in (0, 1))
    return rows, judge.astype(np.float64), human.astype(np.float64)


def _against(
    judge_wins: Floats, human_wins: Floats, clusters: NDArray[Any], epsilon: float
) -> Against:
    lead = mean_interval(judge_wins - human_wins, clusters, method="t")
    p = _p_if_alike(lead, epsilon) if lead.se == 0 else no_worse(lead, epsilon).p
    n = len(judge_wins)
    judge, human = (float(wins.mean()) if n else None for wins in (judge_wins, human_wins))
    return Against(n, judge, human, p, beaten=False)


def _p_if_alike(lead: Estimate, epsilon: float) -> float:
    """Return the p-value of a lead that is the same in all clusters, where t has no spread.

    A lead is at least -1, so one whose mean is -epsilon is below 0 with chance epsilon or more, and
    in none of k clusters with (1 - epsilon)^k at most.
    """
    return max(0.0, 1 - epsilon) ** lead.clusters if (lead.value or 0.0) >= 0 else 1.0


def _yekutieli(ps: Sequence[float | None], q: float) -> list[bool]:
    """Return which hypotheses fall, with at most a share q wrongly, whatever depends on what.

    Source: Benjamini and Yekutieli 2001 (Ann. Stat. 29).
    """
    known = np.sort([p for p in ps if p is not None])
    m = len(known)
    if m == 0:
        return [False] * len(ps)
    ranks = np.arange(1, m + 1)
    below = known <= ranks * q / (m * float((1 / ranks).sum()))
    last = known[below].max() if below.any() else -1.0
    return [p is not None and p <= last for p in ps]
