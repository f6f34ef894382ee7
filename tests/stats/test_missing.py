import math

import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.missing import (
    Ends,
    difference_bounds,
    mean_bounds,
    missing_differs,
    most_unequal,
)
from tests.stats.simulated import coverage, likert


def ends(scores):
    """Return where scores of 1 to 5 lie; None = missing."""
    return Ends(*([end if s is None else float(s) for s in scores] for end in (1, 5)))


def with_holes(scores, lost):
    return ends([None if gone else score for score, gone in zip(scores, lost, strict=True)])


def test_bounds_are_the_means_with_the_holes_at_either_end():
    found = mean_bounds(ends([4, None, 3, None]))

    assert (found.worst, found.best, found.n) == (9 / 4, 17 / 4, 4)
    assert found.low < found.worst
    assert found.high > found.best


def test_bounds_without_holes_are_the_mean():
    found = mean_bounds(ends([4, 2, 3]))

    assert (found.worst, found.best) == (3, 3)


def test_bounds_of_a_difference_let_the_holes_of_both_go_against_each_other():
    found = difference_bounds(ends([4, None]), ends([3, 2]))

    assert (found.worst, found.best) == ((1 - 1) / 2, (1 + 3) / 2)


def test_bounds_hold_the_mean_whatever_is_missing():
    truth = likert(np.random.default_rng(0), characters=40_000)[0].mean()

    def draw(rng):
        scores, who = likert(rng, characters=20)
        return with_holes(scores, (scores <= 2) & (rng.random(len(scores)) < 0.8)), who

    bounds = coverage(draw, lambda rows, who, run: mean_bounds(rows, who), truth, runs=300)

    assert bounds >= 0.93


def test_the_two_that_differ_most_in_what_they_miss_are_found():
    none, few = np.zeros(1000), np.arange(1000) < 8

    # 8 rows of one sign of 2^8 ways, two-sided, and three pairs by Holm.
    assert most_unequal({"a": none, "b": few}) == ("a", "b", pytest.approx(2 / 2**8))
    assert most_unequal({"a": none, "b": none, "c": few}).p == pytest.approx(3 * 2 / 2**8)
    assert most_unequal({"a": none, "b": none}).p == 1


def test_half_of_a_row_can_be_missing():
    half, whole = np.full(10, 0.5), np.zeros(10)

    assert missing_differs(half, whole) == pytest.approx(2 / 2**10)


def test_single_items_are_the_test_of_mcnemar():
    a, b = np.arange(30) < 9, np.arange(30) >= 28

    assert missing_differs(a, b) == pytest.approx(stats.binomtest(2, 11).pvalue, abs=1e-12)


def test_holes_of_one_character_are_no_sign_of_a_worse_system():
    a, b = np.arange(100) < 20, np.zeros(100)

    alone, together = missing_differs(a, b), missing_differs(a, b, np.arange(100) // 20)

    assert alone < 0.001
    assert together == 1


def test_equal_holes_are_called_unequal_as_often_as_alpha_says():
    def finds(rng):
        hard = rng.beta(0.3, 3, size=40)[np.arange(200) // 5]
        a, b = (rng.random(200) < hard for _ in "ab")
        return missing_differs(a, b, np.arange(200) // 5, draws=199) <= 0.05

    found = np.mean([finds(np.random.default_rng([3, run])) for run in range(400)])

    assert 0.02 <= found <= 0.07


def test_nothing_asked_is_nothing_known():
    assert most_unequal({}) is None
    assert most_unequal({"a": [0.0], "b": [1.0]}) is None  # one character
    assert mean_bounds(Ends([], []))[:4] == (None, None, None, None)
    assert mean_bounds(ends([None, None]))[:2] == (1, 5)


def test_systems_of_other_items_have_no_bounds():
    with pytest.raises(ValueError, match="2 rows of a, 1 of b"):
        difference_bounds(ends([1, 2]), ends([1]))


@pytest.mark.parametrize("rows", [Ends([1, 5], [5, 1]), Ends([1, 2], [3])])
def test_a_row_has_a_low_and_a_high_end(rows):
    with pytest.raises(ValueError, match="2 low ends"):
        mean_bounds(rows)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_is_not_missing(bad):
    with pytest.raises(ValueError, match="leave out what is missing"):
        mean_bounds(ends([3, bad]))
