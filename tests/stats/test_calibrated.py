import numpy as np
import pytest

from opencharacter.stats.calibrated import calibrated_mean
from opencharacter.stats.intervals import mean_interval
from tests.stats.simulated import coverage, scores


def marked(rng, *, characters, labelled, skill=0.3):
    """Return marks of a judge 0.8 too high, humans' on the first characters, characters."""
    human, who = scores(rng, characters=characters, mean=3.0)
    judge = human + 0.8 + skill * rng.normal(size=len(who)) + 0.2 * rng.normal(size=characters)[who]
    shown = [float(mark) if of < labelled else None for mark, of in zip(human, who, strict=True)]
    return judge, shown, who


@pytest.mark.parametrize("labelled", [10, 40])
def test_what_humans_would_say_is_held_though_the_judge_is_too_kind(labelled):
    held = coverage(
        lambda rng: marked(rng, characters=100, labelled=labelled),
        lambda judge, human, who, run: calibrated_mean(judge, human, who),
        3.0,
        runs=600,
    )

    assert 0.93 <= held <= 0.97


def test_a_good_judge_makes_the_interval_of_the_labels_narrower():
    judge, human, who = marked(np.random.default_rng(0), characters=200, labelled=20)
    labels = [mark for mark in human if mark is not None]

    alone = mean_interval(labels, who[: len(labels)], method="t").se

    assert calibrated_mean(judge, human, who).se < 0.7 * alone


def test_the_mean_is_the_judges_plus_what_the_judge_is_off():
    found = calibrated_mean([4, 5, 3, 4], [3, None, 3, None], ["a", "b", "c", "d"])

    assert found.value == 4 + (-1 + 0) / 2
    assert (found.n, found.clusters) == (4, 2)


def test_labels_of_everything_are_the_humans_mean():
    rng = np.random.default_rng(1)
    human, who = scores(rng, characters=15)

    found = calibrated_mean(human + rng.normal(size=len(who)), human.tolist(), who)

    alone = mean_interval(human, who, method="t")
    assert (found.value, found.low) == pytest.approx((alone.value, alone.low))


def test_what_is_known_is_not_corrected():
    found = calibrated_mean([4, 4, 1, 1], [3, None, None, None], known=[0, 0, 1, 1])

    assert found.value == (3 + 3 + 1 + 1) / 4


def test_weights_count_in_the_mean_and_in_the_correction():
    who = ["a", "a", "b"]  # of a two turns, of b one
    found = calibrated_mean([4, 2, 4], [3, 2, 2], who, weights=[0.5, 0.5, 1])

    assert found.value == (2.5 + 2) / 2


def failing(rng):
    """Return marks as `marked` does, a label on one answer in five, a third of answers failed."""
    human, who = scores(rng, characters=100, mean=3.0)
    judge = human + 0.8 + 0.3 * rng.normal(size=len(who))
    fails = rng.random(len(who)) < 0.05 + 0.6 * rng.random(100)[who]
    judge[fails] = human[fails] = 1.0
    drawn = rng.random(len(who)) < 0.2
    shown = [
        float(m) if is_drawn else None for m, is_drawn in zip(human, drawn & ~fails, strict=True)
    ]
    return judge, shown, who, fails


def test_answers_that_failed_leave_the_interval_its_level():
    # An answer fails with a chance of 0.35 and counts 1; the others count 3 in the mean.
    held = coverage(
        failing,
        lambda judge, human, who, fails, run: calibrated_mean(judge, human, who, known=fails),
        0.35 * 1.0 + 0.65 * 3.0,
        runs=600,
    )

    assert 0.93 <= held <= 0.97


def test_without_labels_nothing_is_calibrated():
    assert calibrated_mean([1, 2], [None, None]).value is None
    assert calibrated_mean([], []).value is None
    one = calibrated_mean([1, 2], [1, None])
    assert (one.value, one.low, one.high) == (1.5, None, None)
    with pytest.raises(ValueError, match="2 marks of the judge, 1 of humans"):
        calibrated_mean([1, 2], [1])
