import math

import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.intervals import mean_interval
from opencharacter.stats.paired import (
    equivalent,
    least_p,
    no_worse,
    paired_difference,
    shared,
    sign_flip,
)
from tests.stats.simulated import coverage, scores


def two_systems(rng, *, characters, effect=0.0):
    """Return scores of two systems that share what is hard about characters and items."""
    common, who = scores(rng, characters=characters)
    a = common + scores(rng, characters=characters, between=0.2, within=0.5)[0] + effect
    return a, common + scores(rng, characters=characters, between=0.2, within=0.5)[0], who


def estimate_of(rng, *, characters, effect):
    a, b, who = two_systems(rng, characters=characters, effect=effect)
    return mean_interval(a - b, who, method="t")


def rate(passes, *, runs):
    return np.mean([passes(np.random.default_rng([11, run])) for run in range(runs)])


@pytest.mark.parametrize("characters", [10, 60])
def test_the_interval_of_a_difference_holds_it(characters):
    held = coverage(
        lambda rng: two_systems(rng, characters=characters, effect=0.3),
        lambda a, b, who, run: paired_difference(a, b, who, draws=499, seed=run).estimate,
        0.3,
        runs=800,
    )

    assert 0.93 <= held <= 0.97


def test_pairing_is_narrower_than_two_intervals():
    a, b, who = two_systems(np.random.default_rng(0), characters=60)

    paired = paired_difference(a, b, who).estimate.se

    alone = math.hypot(mean_interval(a, who).se, mean_interval(b, who).se)
    assert paired < 0.6 * alone


@pytest.mark.parametrize("characters", [8, 30])
def test_sign_flips_find_a_difference_where_there_is_none_as_often_as_they_say(characters):
    def finds(rng):
        a, b, who = two_systems(rng, characters=characters)
        return sign_flip(a - b, who, draws=499) <= 0.05

    assert 0.03 <= rate(finds, runs=1000) <= 0.07


def test_few_characters_are_flipped_all_ways():
    differences = [0.3, 0.1, 0.4, 0.2, 0.6]

    theirs = stats.permutation_test(
        (np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences) == pytest.approx(theirs.pvalue, abs=1e-12)
    assert sign_flip(differences) == 2 / 32


def test_characters_without_a_difference_change_no_p_value():
    assert sign_flip([1, 1, 1, 1, 0, 0, 0]) == sign_flip([1, 1, 1, 1]) == 2 / 16


def test_many_characters_are_flipped_by_chance_and_p_is_never_zero():
    assert sign_flip(np.ones(40), draws=999) == 1 / 1000


def test_changing_places_changes_the_sign_and_nothing_else():
    a, b, who = two_systems(np.random.default_rng(3), characters=25, effect=0.1)

    one, other = paired_difference(a, b, who), paired_difference(b, a, who)

    assert one.estimate.value == pytest.approx(-other.estimate.value)
    assert one.p == other.p
    assert one.better == pytest.approx(1 - other.better)


def test_a_system_at_the_margin_passes_as_no_worse_one_time_in_twenty():
    def passes(rng):
        return no_worse(estimate_of(rng, characters=20, effect=-0.2), 0.2).holds

    assert 0.03 <= rate(passes, runs=1000) <= 0.07


@pytest.mark.parametrize("effect", [-0.2, 0.2])
def test_a_system_at_either_margin_passes_as_equivalent_one_time_in_twenty(effect):
    def passes(rng):
        return equivalent(estimate_of(rng, characters=60, effect=effect), 0.2).holds

    assert 0.03 <= rate(passes, runs=1000) <= 0.07


def test_equivalence_is_the_interval_inside_of_the_margin():
    estimate = mean_interval([0.1, -0.1, 0.2, 0.0, 0.05, -0.15], method="t")

    wide, narrow = equivalent(estimate, 0.2), equivalent(estimate, 0.1)

    assert wide.holds
    assert -0.2 < wide.low < wide.high < 0.2
    assert not narrow.holds
    assert wide.high > 0.1


def test_better_by_far_is_no_worse_but_not_equivalent():
    estimate = mean_interval([1.0, 1.1, 0.9, 1.2], method="t")

    assert no_worse(estimate, 0.1).holds
    assert not equivalent(estimate, 0.1).holds


@pytest.mark.parametrize("by", [0.0, -0.05, 0.1])
def test_without_spread_nothing_but_the_signs_is_told(by):
    b = [1.0, 2.3, 3.1]
    found = paired_difference([each + by for each in b], b)

    assert found.estimate.value == pytest.approx(by)
    assert (found.estimate.low, found.estimate.high, found.better) == (None, None, None)
    assert found.p == (1 if by == 0 else 0.25)  # of 8 ways to flip three signs, 2 are as extreme
    for verdict in (no_worse(found.estimate, 0.2), equivalent(found.estimate, 0.2)):
        assert verdict == (None, None, None, None, 0.2)


def test_one_character_compares_nothing():
    found = paired_difference([1, 2], [0, 0], ["a", "a"])

    assert (found.estimate.value, found.p, found.better) == (1.5, None, None)
    assert no_worse(found.estimate, 1).holds is None
    assert paired_difference([], []).estimate.n == 0


def test_shared_items_leave_nothing_out_silently():
    found = shared({"q1": 4, "q2": None, "q3": 2}, {"q1": 3, "q2": 5, "q3": None})

    assert (found.items, found.a.tolist(), found.b.tolist()) == (["q1"], [4], [3])
    assert (found.missing_a, found.missing_b) == (["q2"], ["q3"])


def test_systems_asked_other_items_are_not_compared():
    with pytest.raises(ValueError, match="2 items are of one system only, such as q2"):
        shared({"q1": 4, "q2": 1}, {"q1": 3, "q3": 1})


def test_scores_of_another_length_are_not_paired():
    with pytest.raises(ValueError, match="2 scores of a, 1 of b"):
        paired_difference([1, 2], [1])


@pytest.mark.parametrize("margin", [0, -0.1, math.nan, math.inf])
def test_a_margin_is_positive(margin):
    with pytest.raises(ValueError, match="margin = "):
        no_worse(mean_interval([1, 2]), margin)


@pytest.mark.parametrize("characters", [2, 5, 6, 14, 20])
def test_no_p_value_is_below_the_least_one(characters):
    won = np.full(characters, 1.0)

    assert sign_flip(won) == pytest.approx(least_p(characters), rel=1e-9)
    assert least_p(5) == 0.0625
