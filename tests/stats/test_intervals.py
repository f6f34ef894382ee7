import math

import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.intervals import clustered_share, mean_interval
from tests.stats.simulated import CUTS, coverage, likert, scores

METHODS = ["t", "studentised", "bca", "percentile"]


def test_the_t_interval_of_single_rows_is_the_one_of_the_textbook():
    values = np.random.default_rng(0).normal(size=12)

    found = mean_interval(values, method="t")

    book = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(book, abs=1e-9)


def test_the_standard_error_of_uneven_characters_is_that_worked_by_hand():
    found = mean_interval([1, 2, 3, 6], ["a", "a", "b", "b"], method="t")

    # mean 3; residual sums -3 and +3; sqrt(2/1 * (9 + 9)) / 4
    assert (found.value, found.se, found.clusters) == (3, pytest.approx(1.5), 2)


@pytest.mark.parametrize("method", METHODS)
def test_copying_rows_does_not_narrow_an_interval(method):
    values, who = scores(np.random.default_rng(1), characters=30)

    once = mean_interval(values, who, method=method, seed=3)
    thrice = mean_interval(np.tile(values, 3), np.tile(who, 3), method=method, seed=3)

    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert (thrice.n, thrice.clusters) == (3 * once.n, once.clusters)


@pytest.mark.parametrize("method", METHODS)
def test_the_names_and_order_of_characters_do_not_matter(method):
    values, who = scores(np.random.default_rng(2), characters=12)
    named = mean_interval(values, [f"c{number:02}" for number in who], method=method)

    assert mean_interval(values, who, method=method) == named


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [pytest.param(5, id="even"), pytest.param(None, id="uneven")])
def test_every_method_holds_the_mean_of_many_characters(method, rows):
    held = coverage(
        lambda rng: scores(rng, characters=60, rows=rows),
        lambda y, who, run: mean_interval(y, who, method=method, draws=499, seed=run),
        0.0,
        runs=500,
    )

    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize("characters", [10, 20, 50])
def test_the_default_holds_the_mean_of_marks_near_the_top_of_the_scale(characters):
    held = coverage(
        lambda rng: likert(rng, characters=characters),
        lambda y, who, run: mean_interval(y, who, draws=499, seed=run),
        1 + stats.norm.sf(CUTS - 1.6).sum(),
        runs=800,
    )

    assert 0.93 <= held <= 0.97


def test_rows_taken_for_independent_hold_far_less_than_they_say():
    held = coverage(
        lambda rng: scores(rng, characters=60),
        lambda y, who, run: mean_interval(np.tile(y, 3), method="t"),
        0.0,
        runs=500,
    )

    assert held < 0.65  # nominally 0.95; 0.54 in the simulation that the choice rests on


def test_percentiles_of_few_characters_fall_short():
    held = coverage(
        lambda rng: scores(rng, characters=8),
        lambda y, who, run: mean_interval(y, who, method="percentile", draws=499, seed=run),
        0.0,
        runs=500,
    )

    assert held < 0.92  # why it is not the default


@pytest.mark.parametrize("characters", [20, 60])
def test_a_share_of_clustered_rows_is_held(characters):
    def draw(rng):
        who = np.repeat(np.arange(characters), 5)
        return rng.random(len(who)) < rng.beta(0.5, 4.5, size=characters)[who], who

    held = coverage(draw, lambda y, who, run: clustered_share(y, who), 0.1, runs=1000)

    assert 0.93 <= held <= 0.97


def test_wilson_is_that_of_scipy():
    found = clustered_share([1, 0] * 20, np.repeat(np.arange(20), 2))  # alike: 20 rows count

    level = 2 * stats.norm.cdf(stats.t.ppf(0.975, 19)) - 1
    theirs = stats.binomtest(10, 20).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_a_share_of_all_or_none_has_room_on_one_side_only():
    none, every = (clustered_share([hit] * 20, [1] * 10 + [2] * 10) for hit in (0, 1))

    assert (none.low, none.high) == (0, pytest.approx(1 - every.low))
    assert every.high == 1
    assert every.low < 0.3  # twenty rows, but two characters


@pytest.mark.parametrize("method", METHODS)
def test_equal_scores_have_an_interval_without_width(method):
    found = mean_interval([4.0] * 6, [1, 1, 2, 2, 3, 3], method=method)

    assert (found.value, found.low, found.high, found.se) == (4, 4, 4, 0)


def test_the_mean_of_nothing_is_no_number():
    found = mean_interval([])

    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert clustered_share([]).value is None


def test_one_character_has_a_mean_but_no_interval():
    found = mean_interval([1, 2, 3], ["a", "a", "a"])

    assert (found.value, found.low, found.high, found.clusters) == (2, None, None, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match=r"values\[1\] is .*leave out what is missing"):
        mean_interval([1.0, bad])


def test_a_row_without_a_character_is_refused():
    with pytest.raises(ValueError, match="1 labels of clusters for 2 rows"):
        mean_interval([1, 2], ["a"])


def test_a_level_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"level = 95: give a share"):
        mean_interval([1, 2], level=95)


def test_characters_without_spread_in_most_draws_fall_back_on_student():
    found = mean_interval([0, 0, 0, 0, 1], draws=999)

    assert found.method == "t"
    assert math.isfinite(found.low)
