"""Intervals of a report, and what labels of people correct."""

import math
from dataclasses import replace
from statistics import fmean

import pytest

from opencharacter.compare.means import mean_of
from opencharacter.compare.results import SHARE, Scale
from opencharacter.records import Failure
from tests.compare.played import results, score
from tests.compare.reported import played, report, with_scores


def test_the_mean_of_nothing_is_none():
    found = report(results(0))

    assert (found.headline.overall.value, found.headline.overall.n) == (None, 0)
    assert found.withheld == ["Nothing was scored in the headline's criteria."]


def test_shares_have_intervals_inside_of_zero_and_one():
    one = [replace(s, labels=(), probabilities=()) for s in results(20, values=hit).scores]
    found = report(replace(results(20), scores=one)).headline.overall

    assert found.value == 0.95
    assert found.low < 0.95 < found.high <= 1.0


def hit(number, value):
    return float(number != 3)


def test_answers_that_all_get_the_lowest_of_five_are_no_shares():
    found = report(results(20, values=lambda n, v: 1.0)).headline.overall

    assert (found.value, found.low, found.high, found.method) == (1.0, None, None, "all alike")


def test_marks_that_are_all_alike_have_no_interval():
    found = report(results(20, values=lambda n, v: 4.0)).headline.overall

    assert (found.value, found.low, found.high) == (4.0, None, None)


def test_people_s_labels_of_a_part_correct_the_mean():
    given = in_turns(results(20), [0])
    labelled = {(t.id, t.task, 0): 2.0 for t in given.transcripts[:10]}
    judged = [s.value for s in given.scores]
    found = report(replace(given, human=labelled)).corrected.overall

    assert found.value == pytest.approx(fmean(judged) + 2.0 - fmean(judged[:10]))
    assert found.low < found.value < found.high


def in_turns(given, turns):
    """Return a run with the same score at each of some turns."""
    scores = [replace(each, turn=turn) for each in given.scores for turn in turns]
    return replace(given, scores=scores)


def test_labels_correct_nothing_of_answers_that_failed():
    """Every other answer is refused; of the others the judge says one more than people."""
    pairs, human = [], {}
    for number in range(40):
        one, said, scores = played(number, 4.0, failure=Failure.refusal if number % 2 else None)
        if number % 2:
            scores = [score(said, None, unscored="candidate_refusal")]
        human |= {} if number % 4 else {(said.id, one.task, 0): 3.0}
        pairs.append((one, said, scores))

    found = report(replace(in_turns(with_scores(pairs), [0]), human=human))

    assert found.headline.overall.value == pytest.approx((4 + 1) / 2)
    assert found.corrected.overall.value == pytest.approx((3 + 1) / 2)
    assert found.corrected.overall.n == 40


def test_a_label_is_held_against_the_mark_of_its_own_turn():
    """The judge says what people say, of the last turn too, which alone has labels."""
    pairs = []
    for number in range(8):
        one, said, _ = played(number)
        marks = enumerate([2.0, 2.0, 2.0, 5.0 - number % 2])
        pairs.append((one, said, [score(said, value, turn=turn) for turn, value in marks]))
    human = {(said.id, one.task, 3): scores[3].value for one, said, scores in pairs}

    found = report(replace(with_scores(pairs), human=human))

    assert found.corrected.overall.value == found.headline.overall.value == (6 + 4.5) / 4


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


def test_labels_of_few_correct_to_an_interval_on_the_scale():
    given = in_turns(results(4), [0])
    human = {(t.id, t.task, 0): 1.0 + 4.0 * (at % 3 == 0) for at, t in enumerate(given.transcripts)}
    found = report(replace(given, human=human)).corrected.overall

    assert 1.0 <= found.low < found.high <= 5.0


def test_labels_that_are_on_no_card_are_told_as_such():
    given = in_turns(results(8), [0])
    labelled = replace(given, human={(t.id, t.task, 0): 2.0 for t in given.transcripts[:4]})

    [told] = [each for each in report(labelled).cautions if each.startswith("Uncalibrated")]
    assert "labels are not on the judges' cards" in told
    assert "no person has labelled" not in told
