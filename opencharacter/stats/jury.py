"""Several judges as one: a common scale, what each of them decides, and whom they prefer.

Sources: a jury of several families, Verga et al. 2024 (arXiv 2404.18796); self-preference,
Panickssery et al. 2024 (arXiv 2404.13076), here judge x family beside answers and judges.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opencharacter.stats.arrays import Bools, Floats, Ints, Labels, groups_of, present
from opencharacter.stats.intervals import Estimate, check_level, mean_interval
from opencharacter.stats.student import t_quantile

_FLAT = 1e-9  # points: less spread is rounding
Marks = Sequence[float | None]


class Jury(NamedTuple):
    """The verdict of all judges, and without each of them."""

    mean: Estimate
    """Of the items that every judge has marked, averaged over judges."""
    without: dict[str, Estimate]
    """The same without one judge."""
    low: float | None
    """The lowest and the highest of `without`: how far one judge moves the result."""
    high: float | None


class SelfPreference(NamedTuple):
    """How much more a judge gives its own family than other judges do."""

    judge: str
    estimate: Estimate
    """In points of the score; None = these judges and answers cannot tell."""


def centred(marks: Mapping[str, Marks], anchors: Sequence[bool]) -> dict[str, list[float | None]]:
    """Return the marks on the scale that the judges have in common on the anchors.

    Each judge's mean and standard deviation over the anchors become those of the mean judge, so
    that a strict judge, or one that uses half of the scale, weighs like the others.

    Args:
        marks: (n,) of each judge on the same items; None = missing.
        anchors: (n,) items that set the scale: the same for all systems, best of known quality.

    Raises:
        ValueError: Other numbers of items, or a judge gives all anchors one mark, or there are not
            two anchors that all judges have marked.
    """
    names, grid, there = _grid(marks)
    shared: Bools = np.array(anchors, np.bool_) & there.all(axis=0)  # (n,)
    if names and shared.sum() < 2:
        raise ValueError(
            f"a common scale takes 2 anchors that all {len(names)} judges have marked, and there "
            f"{'is' if shared.sum() == 1 else 'are'} {shared.sum()}"
        )
    means, spreads = grid[:, shared].mean(axis=1), grid[:, shared].std(axis=1, ddof=1)  # (judges,)
    for name, spread in zip(names, spreads, strict=True):
        if spread <= 1e-9:
            raise ValueError(
                f"{name} gives one mark to all {shared.sum()} anchors: leave this judge out"
            )
    scaled = (grid - means[:, None]) / spreads[:, None] * spreads.mean() + means.mean()
    return {
        name: [float(mark) if has else None for mark, has in zip(row, holes, strict=True)]
        for name, row, holes in zip(names, scaled, there, strict=True)
    }


def jury(
    marks: Mapping[str, Marks], clusters: Labels | None = None, *, level: float = 0.95
) -> Jury:
    """Return the mean over judges and items, and what it is without each judge.

    Items that a judge has not marked are left out for all, so that leaving out a judge changes the
    judges and not the items; count them with `missing`.

    Args:
        marks: (n,) of each judge on the same items, `centred`; None = missing.
        clusters: (n,) ids of characters.
        level: Of the intervals, Student's t; over characters, not over judges.

    Raises:
        ValueError: Fewer than two judges: one that failed to load must not go unnoticed.
    """
    names, grid, there = _grid(marks)
    if len(names) < 2:
        raise ValueError(f"a jury of {len(names)}: at least two judges are needed")
    rows: Bools = np.all(there, axis=0)
    grid = grid[:, rows]
    groups = groups_of(clusters, len(rows))[rows]

    def of(judges: Floats) -> Estimate:
        return mean_interval(judges.mean(axis=0), groups, level=level, method="t")

    without = {name: of(np.delete(grid, at, axis=0)) for at, name in enumerate(names)}
    values = [one.value for one in without.values() if one.value is not None]
    return Jury(of(grid), without, min(values, default=None), max(values, default=None))


def self_preference(
    marks: Mapping[str, Marks],
    judge_families: Mapping[str, str],
    families: Sequence[str],
    clusters: Labels | None = None,
    *,
    one_spread: bool = False,
    level: float = 0.95,
) -> list[SelfPreference]:
    """Return for each judge how much more it gives answers of its own family.

    Least squares of mark = answer + judge + preference of the judge, if the answer is of its
    family: good answers and strict judges are taken out, and so is what other judges give their
    own. It takes a judge or answers of a third family to tell whose preference it is.

    Args:
        marks: (n,) of each judge on the same answers; None = missing.
        judge_families: Family of each judge, e.g. `llama`.
        families: (n,) family of the model that wrote each answer.
        clusters: (n,) ids of characters.
        one_spread: Bring judges to the mean of their spreads inside of families, over the answers
            that all have marked, anew for each character left out: else a judge that uses half of
            the scale seems to favour the worse family.
        level: Of the interval: Student's t, standard error by leaving out characters. Measured: at
            0.95 it holds 93-97 % from 10 characters on that all families answer as.

    Raises:
        ValueError: Other numbers of items, or a judge without a family; with `one_spread` too few
            answers that all have marked, or a judge that gives all of a family one mark.
    """
    check_level(level)
    names, grid, there = _grid(marks)
    unknown = [name for name in names if name not in judge_families]
    if unknown:
        raise ValueError(f"no family is given for {', '.join(unknown)}")
    if names and len(families) != grid.shape[1]:
        raise ValueError(
            f"{len(families)} families for {grid.shape[1]} answers: one each is needed"
        )
    if not names:
        return []
    own = np.array([[judge_families[name] == family for family in families] for name in names])
    rows = there.sum(axis=0) >= 2  # where judges can be compared
    _, groups = np.unique(groups_of(clusters, len(rows))[rows], return_inverse=True)
    marked: Bools = np.all(there[:, rows], axis=0)
    families_of = np.unique(np.asarray(families), return_inverse=True)[1][rows]
    squares, products = _normal(grid[:, rows], there[:, rows], own[:, rows], groups)
    k = len(squares)
    scales = np.ones((k + 1, len(names)))  # without each character, then of all
    if one_spread:
        scales = _scales(names, grid[:, rows], marked, families_of, groups)
    fits = [
        _solved(squares.sum(axis=0) - one, scale @ (products.sum(axis=0) - other))
        for one, other, scale in zip((*squares, 0.0), (*products, 0.0), scales, strict=True)
    ]
    fitted, told = fits[k]
    without = fits[:k]
    found = []
    for at, name in enumerate(names):
        n = int((there[at] & rows).sum())
        estimate = Estimate(None, None, None, None, n, len(without), level, "not told apart")
        if told[at]:
            values = np.array([values[at] for values, known in without if known[at]])
            estimate = _spread(replace(estimate, value=float(fitted[at])), values)
        found.append(SelfPreference(name, estimate))
    return found


def _normal(grid: Floats, there: Bools, own: Bools, groups: Ints) -> tuple[Floats, Floats]:
    """Return the sums of squares (k, p, p) and of products with marks (k, judges, p).

    They are of each of k characters, the products with the marks of each judge alone, which add up.
    The p = 2 judges columns are the preference of each judge, then how strict each is.
    """
    judges, n = grid.shape
    columns = np.zeros((2 * judges, judges, n))
    for at in range(judges):
        columns[at, at] = own[at]
        columns[judges + at, at] = 1
    counts = np.maximum(there.sum(axis=0), 1)

    def inside(values: Floats) -> Floats:
        """Return values (..., judges, n) less their mean over the judges of each answer."""
        values = values * there
        centred: Floats = (values - values.sum(axis=-2, keepdims=True) / counts) * there
        return centred

    columns = inside(columns)
    k = int(groups.max()) + 1 if n else 0
    squares, products = np.zeros((k, 2 * judges, 2 * judges)), np.zeros((k, judges, 2 * judges))
    np.add.at(squares, groups, np.einsum("pjn,qjn->npq", columns, columns))
    # Columns have the mean 0 over the judges of an answer, so that the mean of marks drops out.
    np.add.at(products, groups, np.einsum("pjn,jn->njp", columns, grid * there))
    return squares, products


def _scales(
    names: Sequence[str], grid: Floats, shared: Bools, families: Ints, groups: Ints
) -> Floats:
    """Return by what marks are multiplied (k + 1, judges) without each character, and of all.

    Args:
        names: Of the judges.
        grid: (judges, n) marks.
        shared: (n,) answers that all have marked.
        families: (n,) number of the family that wrote each.
        groups: (n,) number of its character.
    """
    k, wide = int(groups.max(initial=-1)) + 1, int(families.max(initial=-1)) + 1
    grid, families, groups = grid[:, shared], families[shared], groups[shared]
    counts, sums = np.zeros((k, wide)), np.zeros((k, wide, len(names)))
    squares = np.zeros((k, len(names)))
    if len(groups):
        grid = grid - grid.mean(axis=1, keepdims=True)
    np.add.at(counts, (groups, families), 1)
    np.add.at(sums, (groups, families), grid.T)
    np.add.at(squares, groups, grid.T**2)
    blank = (np.zeros_like(counts[:1]), np.zeros_like(sums[:1]), np.zeros_like(squares[:1]))
    left = [
        whole.sum(axis=0) - np.concatenate([whole, none])
        for whole, none in zip((counts, sums, squares), blank, strict=True)
    ]  # (k + 1, ...)
    means = left[1] ** 2 / np.maximum(left[0], 1)[..., None]  # (k + 1, families, judges)
    free = left[0].sum(axis=1) - (left[0] > 0).sum(axis=1)  # (k + 1,)
    spreads = np.sqrt(np.maximum(left[2] - means.sum(axis=1), 0) / np.maximum(free, 1)[:, None])
    if free[-1] < 1:
        raise ValueError(
            f"{shared.sum()} answers that all {len(names)} judges have marked: too few"
        )
    for name, spread in zip(names, spreads[-1], strict=True):
        if spread <= _FLAT:
            raise ValueError(f"{name} gives one mark to all answers of a family")
    scales: Floats = spreads.mean(axis=1, keepdims=True) / np.maximum(spreads, _FLAT)
    return scales


def _solved(squares: Floats, products: Floats) -> tuple[Floats, Bools]:
    """Return the coefficients (p,) of least length, and which of them are determined (p,)."""
    values, vectors = np.linalg.eigh(squares)
    free = values <= 1e-9 * max(1.0, float(values.max(initial=0)))
    inverse = np.where(free, 0, 1 / np.where(free, 1, values))
    coefficients: Floats = vectors @ (inverse * (vectors.T @ products))
    told: Bools = (vectors[:, free] ** 2).sum(axis=1) < 1e-9
    return coefficients, told


def _spread(estimate: Estimate, values: Floats) -> Estimate:
    """Return the estimate with the interval of its values without one character each."""
    k = estimate.clusters
    if k < 2 or len(values) < k:
        return replace(estimate, method="one character decides")
    assert estimate.value is not None
    se = math.sqrt((k - 1) / k * float(((values - values.mean()) ** 2).sum()))
    half = se * t_quantile((1 + estimate.level) / 2, k - 1)
    return replace(
        estimate, low=estimate.value - half, high=estimate.value + half, se=se, method="jackknife"
    )


def _grid(marks: Mapping[str, Marks]) -> tuple[list[str], Floats, Bools]:
    """Return judges, their marks (judges, n), 0 where missing, and where there are any."""
    lengths = {name: len(row) for name, row in marks.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"judges with other numbers of items: {lengths}; give None for missing")
    n = max(lengths.values(), default=0)
    grid, there = np.zeros((len(marks), n)), np.zeros((len(marks), n), np.bool_)
    for at, (name, row) in enumerate(marks.items()):
        values, there[at] = present(row, name)
        grid[at, there[at]] = values
    return list(marks), grid, there
