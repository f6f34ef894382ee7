"""What judges prefer, by hand: shares, failures, lengths, and what is missing."""

import math
from dataclasses import replace

import numpy as np
import pytest

from opencharacter.compare.alike import joined
from opencharacter.compare.preferred import kin_words, opponent_of, preferences_of
from opencharacter.compare.recorded import metrics_of
from opencharacter.compare.report_page import headline_words
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import Rival
from opencharacter.compare.tables import preference_words, tables_of
from opencharacter.config import ReportConfig
from opencharacter.records import Control, Failure
from tests.compare.played import item, results, score, transcript

PAIR = "mine over base"


def compared(*pairs, judges=("judge-a@1",), named=PAIR):
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
    against = {(judge, own.id): named for judge in judges for own in mine}
    return replace(results(0), run="mine", against=against, opponents=opponents, **about)


def pair(number, value, *, words=3, other_words=3, failure=None, other_failure=None, **about):
    one = item(number)
    own = transcript(one, text="word " * words, failure=failure, **about)
    other = transcript(one, text="word " * other_words, failure=other_failure, model="n@1")
    return one, own, other, value


def lines(given, least=0.99):
    return preferences_of(given, level=0.95, least=least).get(PAIR, [])


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
    against = own.against | other.against
    given = kin(replace(own, scores=[*own.scores, *other.scores], against=against), "a@1")

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


def both(*given):
    """Return what several judges, or judgings of several runs, gave as one."""
    scores = [score for each in given for score in each.scores]
    about = {"items": {}, "opponents": {}, "against": {}}
    for each in given:
        for name, found in about.items():
            found.update(getattr(each, name))
    played = {t.id: t for each in given for t in each.transcripts}
    return replace(given[0], scores=scores, transcripts=list(played.values()), **about)


def test_answers_beside_two_runs_have_a_line_for_each_pair():
    won = compared(pair(0, 1.0), pair(1, 1.0))
    lost = compared(pair(0, 0.0), judges=("judge-b@1",), named="mine over other")
    report = report_of(both(won, lost), ReportConfig())

    told = [(name, each[0].plain.value) for name, each in report.preferences.items()]
    assert told == [("mine over base", 1.0), ("mine over other", 0.0)]
    words = [each for each in headline_words(report) if "preferred in" in each]
    assert [each.partition(":")[0] for each in words] == ["mine over base", "mine over other"]
    assert "report/preferred" not in metrics_of(report)  # which of the two nobody could tell


def rival(given, **about):
    known = {"related": {"llama": "base's"}, "unknown": {}} | about
    families = {"a@1": "llama", "b@1": "qwen"}
    return replace(given, families=families, rivals={PAIR: Rival(**known)})


def test_a_judge_of_the_opponent_s_family_is_left_out_and_told():
    mine, theirs = (compared(pair(0, v), judges=(j,)) for j, v in (("b@1", 1.0), ("a@1", 0.0)))
    given = rival(both(mine, theirs))

    assert [line.judge for line in lines(given)] == ["all judges but a@1", "b@1", "a@1"]
    assert lines(given)[0].plain.value == 1.0
    told = "Left out of mine over base, as judges favour their own: a@1 (of base's family)."
    assert told in report_of(given, ReportConfig()).cautions
    stated = replace(given, same_family_stated=True)
    assert lines(stated)[0].plain.value == 0.5
    assert "judge.same_family=true" in kin_words(stated)[0]


def test_where_only_the_opponent_s_family_judged_the_report_says_so():
    given = rival(compared(pair(0, 0.0), judges=("a@1",)))

    assert [line.judge for line in lines(given)] == ["all judges, of base's family"]
    assert "judge with another family" in kin_words(given)[0]
    unknown = rival(given, related={}, unknown={"oc@1": "player.family= when judging base"})
    who, how = kin_words(unknown)
    assert "a@1 (of what may be oc@1's family)" in who
    assert "state it with player.family= when judging base" in how


def test_a_report_of_several_runs_names_the_opponent_of_each():
    plain = results(4, run="a")
    other = compared(pair(7, 0.25), named="c over d")

    found = report_of(joined([plain, replace(other, run="c")]), ReportConfig()).preferences
    assert [(name, each[0].plain.value) for name, each in found.items()] == [("c over d", 0.25)]
    assert found["c over d"][0].controlled.n == 1
    mine = compared(pair(8, 1.0))
    assert list(report_of(joined([mine, other]), ReportConfig()).preferences) == [PAIR, "c over d"]
