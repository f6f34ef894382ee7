"""Intervals of a report, and the scale of its marks."""

import math
from dataclasses import replace

import pytest

from opencharacter.compare.means import mean_of
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import SHARE, Scale
from opencharacter.config import ReportConfig
from tests.compare.played import results


def report(given, **settings):
    return report_of(given, ReportConfig(**settings))


def test_answers_that_all_get_the_lowest_of_five_are_no_shares():
    found = report(results(20, values=lambda n, v: 1.0)).headline.overall

    assert (found.value, found.low, found.high, found.method) == (1.0, None, None, "all alike")


def test_marks_that_are_all_alike_have_no_interval():
    found = report(results(20, values=lambda n, v: 4.0)).headline.overall

    assert (found.value, found.low, found.high) == (4.0, None, None)


def test_means_over_turns_of_ones_and_zeros_have_intervals_inside_of_zero_and_one():
    found = mean_of([1.0, 1.0, 1.0, 2 / 3, 1.0], list("abcde"), level=0.95, scale=SHARE)

    assert found.value == pytest.approx(14 / 15)
    assert found.low < 14 / 15
    assert found.high == 1.0


@pytest.mark.parametrize("characters", [2, 3, 4, 6, 12])
def test_no_interval_of_marks_leaves_their_scale(characters):
    """Most characters have nothing but fives, so that resampling sees hardly any spread."""
    found = report(results(characters, values=lambda n, v: 1.0 if n == 1 else 5.0 - 0.1 * (n == 0)))
    shown = [found.headline.overall, found.judged, *(row.overall for row in found.tasks)]

    for one in shown:
        assert 1.0 <= one.low < one.value < one.high <= 5.0
    assert found.gap.low is None or -4.0 <= found.gap.low < found.gap.high <= 4.0


def test_marks_of_few_characters_have_student_s_interval():
    found = mean_of([3.0, 3.5, 4.0, 3.5], list("abcd"), level=0.95, scale=Scale(1.0, 5.0))

    # Squares of 0.5 in all: sd sqrt(1/6), se half of it; t(3) 3.182446.
    assert found.high - found.value == pytest.approx(3.182446 * math.sqrt(1 / 6) / 2, abs=1e-6)


def test_shares_have_intervals_inside_of_zero_and_one():
    one = [replace(s, labels=(), probabilities=()) for s in results(20, values=hit).scores]
    found = report(replace(results(20), scores=one)).headline.overall

    assert found.value == 0.95
    assert found.low < 0.95 < found.high <= 1.0


def hit(number, value):
    return float(number != 3)
