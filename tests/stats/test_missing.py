import math

import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.missing import difference_bounds, headline, mean_bounds, missing_differs
from tests.stats.simulated import coverage, likert

MARKS = (1, 5)


def with_holes(scores, lost):
    return [None if gone else float(score) for score, gone in zip(scores, lost, strict=True)]


def test_bounds_are_the_means_with_the_holes_at_either_end():
    found = mean_bounds([4, None, 3, None], MARKS)

    assert (found.worst, found.best, found.missing, found.n) == (9 / 4, 17 / 4, 2, 4)
    assert found.low < found.worst
    assert found.high > found.best


def test_bounds_without_holes_are_the_mean():
    found = mean_bounds([4, 2, 3], MARKS)

    assert (found.worst, found.best, found.missing) == (3, 3, 0)


def test_bounds_of_a_difference_let_the_holes_of_both_go_against_each_other():
    found = difference_bounds([4, None], [3, 2], MARKS)

    assert (found.worst, found.best) == ((1 - 1) / 2, (1 + 3) / 2)


def test_bounds_hold_the_mean_whatever_is_missing():
    truth = likert(np.random.default_rng(0), characters=40_000)[0].mean()

    def draw(rng):
        scores, who = likert(rng, characters=20)
        return with_holes(scores, (scores <= 2) & (rng.random(len(scores)) < 0.8)), who

    bounds = coverage(draw, lambda s, who, run: mean_bounds(s, MARKS, who), truth, runs=300)

    assert bounds >= 0.93


def test_a_headline_needs_every_score_but_one_in_a_hundred():
    full, half = [3.0] * 200, [None, None, None] + [3.0] * 197

    found = headline({"ours": full, "theirs": half}, MARKS)

    assert not found.shown
    assert found.reasons == ["theirs: 98.5% scored, less than 99.0%"]
    assert found.coverage == {"ours": 1, "theirs": 0.985}
    assert headline({"ours": full, "theirs": [None, None, *full[2:]]}, MARKS).shown


def test_a_system_that_misses_more_than_another_has_no_headline():
    found = headline({"a": [3.0] * 1000, "b": [None] * 8 + [3.0] * 992}, MARKS)

    assert not found.shown
    assert found.reasons == ["a and b miss unequally many scores, p = 0.0078"]
    assert found.bounds["b"].worst < found.bounds["b"].best


def test_means_are_over_the_items_that_all_have():
    found = headline({"a": [1, 2, 0.0, None], "b": [None, 4, 5, 6]}, (0, 6), ["x", "y", "y", "z"])

    assert found.means["a"].value == 1
    assert found.means["b"].value == 4.5
    assert (found.means["a"].n, found.means["a"].clusters) == (2, 1)


def test_single_items_are_the_test_of_mcnemar():
    a = with_holes(np.ones(30), np.arange(30) < 9)
    b = with_holes(np.ones(30), np.arange(30) >= 28)

    assert missing_differs(a, b) == pytest.approx(stats.binomtest(2, 11).pvalue, abs=1e-12)


def test_holes_of_one_character_are_no_sign_of_a_worse_system():
    a, b = [None] * 20 + [3] * 80, [3] * 100

    alone, together = missing_differs(a, b), missing_differs(a, b, np.arange(100) // 20)

    assert alone < 0.001
    assert together == 1


def test_equal_holes_are_called_unequal_as_often_as_alpha_says():
    def finds(rng):
        hard = rng.beta(0.3, 3, size=40)[np.arange(200) // 5]
        a, b = (with_holes(np.ones(200), rng.random(200) < hard) for _ in "ab")
        return missing_differs(a, b, np.arange(200) // 5, draws=199) <= 0.05

    found = np.mean([finds(np.random.default_rng([3, run])) for run in range(400)])

    assert 0.02 <= found <= 0.07


def test_nothing_asked_is_no_headline():
    assert not headline({}, MARKS).shown
    assert headline({"a": []}, MARKS).reasons == ["a: no items"]
    assert mean_bounds([], MARKS)[:4] == (None, None, None, None)
    assert mean_bounds([None, None], MARKS)[:2] == (1, 5)


def test_systems_of_other_items_have_no_headline():
    with pytest.raises(ValueError, match="other numbers of items"):
        headline({"a": [1, 2], "b": [1]}, MARKS)


@pytest.mark.parametrize("bad", [0, 6])
def test_a_score_off_the_scale_is_refused(bad):
    with pytest.raises(ValueError, match="on a scale of 1 to 5"):
        mean_bounds([3, bad], MARKS)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_is_not_missing(bad):
    with pytest.raises(ValueError, match="leave out what is missing"):
        mean_bounds([3, bad], MARKS)
