"""What judges prefer, by hand: shares, failures, lengths, and what is missing."""

import math
from dataclasses import replace

import numpy as np
import pytest

from opencharacter.compare.preferred import opponent_of, preferences_of
from opencharacter.compare.recorded import metrics_of
from opencharacter.compare.report_page import headline_words
from opencharacter.compare.reporting import report_of
from opencharacter.compare.tables import preference_words, tables_of
from opencharacter.config import ReportConfig
from opencharacter.records import Control, Failure
from tests.compare.played import item, results, score, transcript


def compared(*pairs, judges=("judge-a@1",)):
    """Return a run of comparisons: each is my transcript, the other's, and a share or a reason."""
    items, mine, opponents, scores = {}, [], {}, []
    for one, own, other, value in pairs:
        items[one.id] = one
        mine.append(own)
        opponents[other.id] = opponent_of(other)
        is_told = isinstance(value, float)
        for judge in judges:
            given = score(own, 1.0 if is_told else None, criterion="preference", judge=judge)
            changed = {"value": value} if is_told else {"unscored": value}
            scores.append(replace(given, against=other.id, labels=(), probabilities=(), **changed))
    about = {"items": items, "transcripts": mine, "scores": scores}
    return replace(results(0), run="mine", against="base", opponents=opponents, **about)


def pair(number, value, *, words=3, other_words=3, failure=None, other_failure=None, **about):
    one = item(number)
    own = transcript(one, text="word " * words, failure=failure, **about)
    other = transcript(one, text="word " * other_words, failure=other_failure, model="n@1")
    return one, own, other, value


def lines(given, least=0.99):
    return preferences_of(given, level=0.95, least=least)


def test_a_failed_answer_loses_and_two_draw():
    refusal, empty = Failure.refusal, Failure.empty
    given = compared(
        pair(0, 0.75),
        pair(1, "candidate_refusal", failure=refusal),  # 0
        pair(2, "counterpart_failed", other_failure=empty),  # 1
        pair(3, "candidate_refusal", failure=refusal, other_failure=empty),  # 0.5
    )

    [found] = lines(given)
    assert found.plain.value == pytest.approx((0.75 + 0 + 1 + 0.5) / 4)
    assert found.controlled.n == 1
    assert (found.comparisons, found.missing, found.bounds) == (4, 0, None)


def test_what_nobody_can_tell_is_missing_and_leaves_bounds():
    error = Failure.error
    given = compared(
        *(pair(n, 1.0) for n in range(8)),
        pair(8, "off_format"),
        pair(9, "candidate_error", failure=error, other_failure=Failure.empty),
    )

    [found] = lines(given)
    assert (found.missing, found.bounds) == (2, pytest.approx((0.8, 1.0)))
    assert lines(given, least=0.8)[0].bounds is None


def test_a_run_that_wins_by_length_alone_does_not_win_at_equal_length():
    # Ten words more are preferred by a logit of 1 whoever wrote them, and mine are longer 3 times
    # in 4: the model's own terms, so the rate at equal length is expit(0).
    random = np.random.default_rng(3)
    longer = np.where(random.random(400) < 0.75, 10, -10)
    shares = [float(random.random() < 1 / (1 + math.exp(-each / 10))) for each in longer]
    pairs = [
        pair(n % 80, share, words=20 + int(more), other_words=20, sample=n)
        for n, (share, more) in enumerate(zip(shares, longer, strict=True))
    ]

    [found] = lines(compared(*pairs))
    assert found.plain.low > 0.5
    assert found.controlled.value == pytest.approx(0.5, abs=0.08)
    assert found.controlled.low < 0.5 < found.controlled.high
    assert found.length.low > 0
    assert found.controlled.method.startswith("refitted bootstrap, t")


def test_several_judges_have_a_line_each_and_controls_none():
    controlled = pair(5, 0.0, control=Control.no_persona)
    found = lines(compared(pair(0, 1.0), controlled, judges=("a@1", "b@1")))

    assert [(line.judge, line.comparisons) for line in found] == [
        ("all judges", 2),
        ("a@1", 1),
        ("b@1", 1),
    ]


def kin(given, judge):
    """Return a run of which this judge is of the tested model's family."""
    related = {"llama": "the tested model's own"}
    return replace(given, families={judge: "llama"}, related=related)


def test_a_judge_of_the_model_s_own_family_is_left_out_of_all_judges():
    own, other = (
        compared(pair(0, v), pair(1, v), judges=(j,)) for j, v in (("a@1", 1.0), ("b@1", 0.0))
    )
    given = kin(replace(own, scores=[*own.scores, *other.scores]), "a@1")

    found = lines(given)
    assert [(line.judge, line.plain.value) for line in found] == [
        ("all judges but a@1", 0.0),
        ("a@1", 1.0),
        ("b@1", 0.0),
    ]
    [told] = preference_words("mine over base", found)
    assert told.startswith("mine over base (all judges but a@1): preferred in 0.00")
    [alone] = lines(kin(own, "a@1"))
    assert alone.judge == "all judges, of the tested model's own family"
    assert alone.plain.value == 1.0
    assert lines(replace(given, same_family_stated=True))[0].plain.value == 0.5


def test_a_run_without_comparisons_has_no_line():
    assert lines(results(4)) == []


def test_the_report_says_what_is_preferred():
    report = report_of(compared(*(pair(n, 0.75) for n in range(6))), ReportConfig())

    assert any("mine over base: preferred in 0.75" in each for each in headline_words(report))
    [told] = [each for each in tables_of(report) if each.title.startswith("Preferred")]
    assert told.lines[0][0] == "mine over base, all judges"
    assert metrics_of(report)["report/preferred"] == 0.75
