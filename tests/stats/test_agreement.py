import math

import krippendorff
import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.agreement import alpha, alpha_of, kappa
from opencharacter.stats.correlation import auc, kendall, spearman
from opencharacter.stats.jackknife import jackknife
from tests.stats.simulated import coverage

MEASURES = ["nominal", "ordinal", "interval"]


def ratings(rng, *, raters=3, items=60, missing=0.2, marks=5):
    """Return marks of some raters who half agree, a fifth of them missing."""
    truth = rng.integers(1, marks + 1, size=items)
    noisy = np.clip(truth + rng.integers(-1, 2, size=(raters, items)), 1, marks)
    gone = rng.random((raters, items)) < missing
    return [
        [None if lost else int(mark) for mark, lost in zip(row, holes, strict=True)]
        for row, holes in zip(noisy, gone, strict=True)
    ]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_that_of_the_krippendorff_package(measure, seed):
    rng = np.random.default_rng(seed)
    given = ratings(rng, raters=2 + seed, items=10 + 30 * seed, missing=0.1 * seed)

    theirs = krippendorff.alpha(np.array(given, float), level_of_measurement=measure)
    assert alpha(given, measure) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_alpha_of_scores_without_ties_is_that_of_the_package(measure):
    given = np.random.default_rng(0).normal(100, 1, size=(3, 40))

    theirs = krippendorff.alpha(given, level_of_measurement=measure)
    assert alpha(given.tolist(), measure) == pytest.approx(theirs, abs=1e-9)


def test_agreeing_raters_have_alpha_one_and_a_constant_has_none():
    assert alpha([[1, 2, None, 5], [1, 2, 3, 5]]) == 1
    assert alpha([[4, 4], [4, 4]]) is None
    assert alpha([[4, None], [None, 4]]) is None
    assert alpha([]) is None


def test_a_nan_is_no_missing_mark():
    with pytest.raises(ValueError, match="leave out what is missing"):
        alpha([[1, math.nan], [1, 2]])


def test_raters_of_other_items_are_refused():
    with pytest.raises(ValueError, match=r"raters with \[1, 2\] items"):
        alpha([[1, 2], [1]])


@pytest.mark.parametrize(("weights", "power"), [("none", 0), ("linear", 1), ("quadratic", 2)])
def test_kappa_is_one_less_the_disagreement_over_that_of_all_pairs(weights, power):
    rng = np.random.default_rng(1)
    a = rng.integers(1, 6, size=80).astype(float)
    b = np.clip(a + rng.integers(-2, 3, size=80), 1, 5)

    def cost(x, y):
        return float(x != y) if power == 0 else abs(x - y) ** power

    observed = np.mean([cost(x, y) for x, y in zip(a, b, strict=True)])
    expected = np.mean([cost(x, y) for x in a for y in b])
    assert kappa(a, b, weights) == pytest.approx(1 - observed / expected, abs=1e-12)


def test_kappa_is_that_worked_by_hand():
    # yes/no: both yes 20, both no 15, only a 5, only b 10; 0.7 agree, by chance 0.5 (Wikipedia)
    a = [1] * 20 + [1] * 5 + [0] * 10 + [0] * 15
    b = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15

    assert kappa(a, b, "none") == pytest.approx(0.4)


def test_two_raters_of_one_mark_have_no_kappa():
    assert kappa([3, 3], [3, 3]) is None
    assert kappa([], []) is None
    assert kappa([3, 3], [3, 4]) == pytest.approx(0)


@pytest.mark.parametrize("seed", range(4))
def test_rank_correlations_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(1, 6, size=300)
    b = a + rng.integers(-2, 3, size=300)

    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-9)


def test_more_items_than_a_block_holds_change_nothing():
    a, b = np.random.default_rng(5).normal(size=(2, 2500))

    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-9)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_a_constant_correlates_with_nothing(correlation):
    assert correlation([2, 2, 2], [1, 2, 3]) is None
    assert correlation([], []) is None
    assert correlation([1], [1]) is None


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(6)
    high, low = rng.integers(2, 6, size=40), rng.integers(1, 5, size=30)

    theirs = stats.mannwhitneyu(high, low).statistic / (40 * 30)
    assert auc(high, low) == pytest.approx(theirs, abs=1e-12)
    assert auc([], [1]) is None


def test_scores_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="2 scores of a, 1 of b"):
        kappa([1, 2], [1])


def test_the_jackknife_of_a_mean_is_the_t_interval():
    values = np.random.default_rng(2).normal(size=15)

    found = jackknife(lambda rows: float(values[rows].mean()), range(15))

    book = stats.t.interval(0.95, 14, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(book, abs=1e-9)


def test_a_figure_that_does_not_exist_without_a_character_has_no_interval():
    a, b = np.array([1, 1, 1, 2]), np.array([1, 2, 3, 4])

    found = jackknife(lambda rows: spearman(a[rows], b[rows]), ["a", "b", "c", "d"])

    assert found.value is not None
    assert (found.low, found.method) == (None, "does not exist without some character")


def test_full_agreement_has_an_interval_without_width():
    a = np.array([1.0, 2, 3, 4, 5, 2])

    found = jackknife(lambda rows: spearman(a[rows], a[rows]), range(6), scale="fisher")

    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_figure_of_one_character_or_of_none_has_no_interval():
    one, none = jackknife(lambda rows: 0.5, ["a", "a"]), jackknife(lambda rows: None, [])

    assert (one.value, one.low, one.high, one.se) == (0.5, None, None, None)
    assert (none.value, none.low, none.high, none.se, none.n) == (None, None, None, None, 0)


def labelled(rng, *, characters):
    """Return marks 1 to 5 of two raters (2, n), each lenient with some characters; and those."""
    who = np.repeat(np.arange(characters), 5)
    latent = 0.6 * rng.normal(size=characters)[who] + 0.8 * rng.normal(size=len(who))
    taste = 0.4 * rng.normal(size=(2, characters))[:, who]
    seen = latent + taste + 0.7 * rng.normal(size=(2, len(who)))
    return 1.0 + (seen[..., None] > np.array([-1.2, -0.4, 0.4, 1.2])).sum(axis=-1), who


FIGURES = {
    "alpha": lambda marks, rows: alpha_of(marks[:, rows].ravel(), np.tile(rows, 2)),
    "kappa": lambda marks, rows: kappa(marks[0, rows], marks[1, rows]),
    "spearman": lambda marks, rows: spearman(marks[0, rows], marks[1, rows]),
}


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_the_jackknife_holds_agreement_and_correlation(figure):
    truth_marks, every = labelled(np.random.default_rng(0), characters=40_000)

    held = coverage(
        lambda rng: labelled(rng, characters=20),
        lambda marks, who, run: jackknife(lambda rows: figure(marks, rows), who, scale="fisher"),
        figure(truth_marks, np.arange(len(every))),
        runs=400,
    )

    assert 0.93 <= held <= 0.97
