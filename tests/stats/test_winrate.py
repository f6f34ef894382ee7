import numpy as np
import pytest

from opencharacter.stats.intervals import mean_interval
from opencharacter.stats.paired import equivalent
from opencharacter.stats.winrate import padding_slope, win_rate
from tests.stats.simulated import coverage


def expit(x):
    return 1 / (1 + np.exp(-x))


def comparisons(rng, *, characters, theta=0.4, beta=1.0, rows=5):
    """Return which of two systems is preferred, how much longer it is, and the character."""
    who = np.repeat(np.arange(characters), rows)
    longer = rng.normal(30, 40, size=len(who))  # a is longer by 30 words in the mean
    taste = 0.5 * rng.normal(size=characters)[who]
    chances = expit(theta + taste + beta * np.tanh(longer / 40))
    return (rng.random(len(who)) < chances).astype(float), longer, who


def at_equal_length(theta=0.4):
    tastes = np.random.default_rng(0).normal(size=100_000)
    return expit(theta + 0.5 * tastes).mean()


@pytest.mark.parametrize("characters", [20, 40])
def test_the_win_rate_at_equal_length_is_held(characters):
    held = coverage(
        lambda rng: comparisons(rng, characters=characters),
        lambda p, d, who, run: win_rate(p, d, who, draws=60, seed=run).controlled,
        at_equal_length(),
        runs=300,
    )

    assert 0.93 <= held <= 0.97


def test_a_system_that_wins_by_length_alone_does_not_win_at_equal_length():
    p, longer, who = comparisons(np.random.default_rng(1), characters=400, theta=0.0)

    found = win_rate(p, longer, who, draws=300)

    assert found.plain.low > 0.5
    assert found.controlled.low < 0.5 < found.controlled.high
    assert found.beta.low > 0


def test_changing_places_changes_the_result_exactly():
    p, longer, who = comparisons(np.random.default_rng(2), characters=30)

    one, other = win_rate(p, longer, who), win_rate(1 - p, -longer, who)

    ends = (1 - other.controlled.value, 1 - other.controlled.high, 1 - other.controlled.low)
    mine = one.controlled
    assert (mine.value, mine.low, mine.high) == pytest.approx(ends, abs=1e-9)
    assert one.beta.value == pytest.approx(other.beta.value, abs=1e-9)


def test_the_fit_is_where_the_gradient_is_zero():
    p, longer, _ = comparisons(np.random.default_rng(3), characters=40)
    found = win_rate(p, longer)
    z = np.tanh(longer / longer.std())
    theta = np.log(found.controlled.value / (1 - found.controlled.value))

    off = p - expit(theta + found.beta.value * z)

    # the prior pulls by theta / 100 and beta / 100
    assert off.sum() == pytest.approx(theta / 100, abs=1e-7)
    assert off @ z == pytest.approx(found.beta.value / 100, abs=1e-7)


def test_answers_of_one_length_leave_the_plain_win_rate():
    p = [1, 0, 1, 1, 0.5, 1]

    found = win_rate(p, [0] * 6, draws=200)

    assert found.controlled.value == pytest.approx(np.mean(p), abs=0.005)
    assert found.beta.value == 0


def test_winning_always_is_no_certainty():
    found = win_rate([1.0] * 20, np.arange(20) - 9, np.arange(20) // 4, draws=200)

    # Wilson's of 5 of 5, with Student's quantile at 4 degrees of freedom: 5 / (5 + 2.776²)
    assert 0.9 < found.controlled.value < 1
    assert (found.controlled.low, found.controlled.high) == (pytest.approx(0.3934, abs=1e-4), 1.0)
    assert (found.plain.low, found.plain.high) == (found.controlled.low, 1.0)
    lost = win_rate([0.0] * 20, np.arange(20) - 9, np.arange(20) // 4, draws=200)
    assert (lost.controlled.low, lost.controlled.high) == (0.0, pytest.approx(0.6066, abs=1e-4))


def test_of_ties_alone_there_is_no_interval():
    found = win_rate([0.5, 0.5], [3, 4], ["a", "b"])

    assert [one.value for one in found] == [0.5, 0.5, 0.0]
    assert [(one.low, one.high, one.method) for one in found] == [(None, None, "all alike")] * 3


def test_where_all_characters_prefer_alike_the_length_is_no_certainty():
    found = win_rate([1, 0] * 5, [1, 2] * 5, np.repeat(np.arange(5), 2))

    assert (found.beta.low, found.beta.high) == (None, None)
    assert found.controlled.high - found.controlled.low > 0.5


@pytest.mark.parametrize(("characters", "rows", "share"), [(20, 2, 0.97), (10, 5, 0.95)])
def test_a_rate_near_one_is_held(characters, rows, share):
    who = np.repeat(np.arange(characters), rows)
    held = coverage(
        lambda rng: (rng.random(len(who)) < share, rng.normal(size=len(who))),
        lambda wins, longer, run: win_rate(wins, longer, who, draws=60, seed=run).controlled,
        share,
        runs=150,
    )

    assert held >= 0.93


def test_comparing_nothing_has_no_win_rate():
    assert win_rate([], []).controlled.value is None
    assert win_rate([1, 0], [3, 4], ["a", "a"]).controlled.low is None


def test_a_preference_is_a_chance():
    with pytest.raises(ValueError, match=r"in \[0, 1\], not 1.0 to 5.0"):
        win_rate([1, 5], [0, 0])


def test_a_comparison_without_a_length_is_refused():
    with pytest.raises(ValueError, match="2 preferences, but 1 differences"):
        win_rate([1, 0], [4])


def padded(rng, *, characters, slope):
    """Return scores of 3 answers of each character, as they are and with two amounts of filler."""
    answers = np.repeat(np.arange(3 * characters), 3)
    filler = np.tile([0.0, 0.5, 1.0], 3 * characters)  # hundreds of words
    taste = slope + 0.2 * rng.normal(size=characters)[answers // 3]
    quality = rng.normal(3, 1, size=3 * characters)[answers]
    scores = quality + taste * filler + 0.3 * rng.normal(size=len(answers))
    return scores, filler + 2, answers, answers // 3


@pytest.mark.parametrize("characters", [10, 40])
def test_what_padding_adds_is_held(characters):
    held = coverage(
        lambda rng: padded(rng, characters=characters, slope=0.25),
        lambda y, x, answers, who, run: padding_slope(y, x, answers, who),
        0.25,
        runs=1000,
    )

    assert 0.93 <= held <= 0.97


def test_the_slope_of_two_versions_is_the_mean_gain():
    scores, answers = [3.0, 4.0, 1.0, 3.0], ["x", "x", "y", "y"]

    found = padding_slope(scores, [1, 2, 5, 6], answers)

    assert (found.value, found.clusters) == (1.5, 2)
    assert found.se == mean_interval([1.0, 2.0], method="t").se


def test_a_judge_whom_padding_leaves_cold_passes_the_probe():
    y, x, answers, who = padded(np.random.default_rng(4), characters=60, slope=0.0)

    assert equivalent(padding_slope(y, x, answers, who), 0.2).holds


def test_answers_of_one_version_show_no_slope():
    assert padding_slope([1, 2], [10, 20], ["x", "y"]).value is None
    assert padding_slope([], [], []).value is None


def test_soft_preferences_have_intervals_as_wide_as_they_vary():
    who = np.repeat(np.arange(30), 5)
    widths = []

    def interval(wins, longer, run):
        found = win_rate(wins, longer, who, draws=60, seed=run).controlled
        widths.append(found.high - found.low)
        return found

    held = coverage(
        lambda rng: (rng.beta(20, 20, size=len(who)), rng.normal(size=len(who))),
        interval,
        0.5,
        runs=150,
    )

    assert held >= 0.9
    assert np.mean(widths) < 0.05  # of zeros and ones it would be 0.16
