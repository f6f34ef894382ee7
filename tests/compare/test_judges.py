"""Who stands behind a headline: the size of the jury, and the table of judges."""

from dataclasses import replace

import pytest

from opencharacter.compare.report_page import method
from opencharacter.records import Control, Failure
from tests.compare.played import score
from tests.compare.reported import played, report, with_scores


def jury_told(*families, kin=()):
    """Return what is said of a jury's size, with a judge of each of these families."""
    named = {f"judge-{at}@1": family for at, family in enumerate(families)}
    given = with_scores([played(n, *(4.0 for _ in named)) for n in range(8)])
    whose = dict.fromkeys(kin, "the teacher's")
    told = report(replace(given, families=named, related=whose)).cautions
    return [each.partition(" in the headline, and a jury")[0] for each in told if "jury" in each]


def test_a_jury_is_as_large_as_the_families_in_the_headline():
    assert jury_told("llama", "qwen", "gpt") == []
    assert jury_told("llama", "qwen") == ["2 judges"]
    assert jury_told("qwen", "qwen", "qwen") == ["3 judges of one family (qwen)"]
    assert jury_told("qwen", "qwen", "gpt") == ["3 judges of 2 families"]


def test_judges_who_are_left_out_are_none_of_the_jury():
    assert jury_told("llama", "llama", "qwen", kin=["llama"]) == ["1 judge"]
    assert jury_told("llama", "gpt", "qwen", "claude", kin=["llama"]) == []


def refused(number, judges=3):
    """Return an item, a refusal, and that no judge was asked of it."""
    one, said, scores = played(number, *(None for _ in range(judges)), failure=Failure.refusal)
    return one, said, [replace(each, unscored="candidate_refusal") for each in scores]


def test_the_headline_without_a_judge_counts_the_refusals_as_the_headline_does():
    given = with_scores([*(played(n, 4.0, 4.0, 4.0) for n in range(8)), refused(8), refused(9)])
    found = report(given)

    assert found.headline.overall.value == pytest.approx(3.4)  # (8 * 4 + 2 * 1) / 10
    assert [judge.without.value for judge in found.judges] == pytest.approx([3.4, 3.4, 3.4])
    assert [judge.mean.value for judge in found.judges] == [4.0, 4.0, 4.0]  # of what each scored


def test_without_a_judge_that_is_left_out_the_headline_is_the_headline():
    given = with_scores([*(played(n, 4.0, 3.0, 1.0) for n in range(8)), refused(8)])
    families = {"judge-0@1": "a", "judge-1@1": "b", "judge-2@1": "llama"}
    found = report(replace(given, families=families, related={"llama": "the teacher's"}))

    assert found.judges[2].without == found.headline.overall
    # The two that are left are centred on 3.5; alone each has its own 4.0 or 3.0.
    assert found.headline.overall.value == pytest.approx((8 * 3.5 + 1) / 9)
    one, other = (judge.without.value for judge in found.judges[:2])
    assert (one, other) == pytest.approx(((8 * 3 + 1) / 9, (8 * 4 + 1) / 9))


def test_without_its_only_judge_there_is_no_headline():
    found = report(with_scores([played(0, 4.0), refused(1, judges=1)]))

    assert [judge.without.value for judge in found.judges] == [None]


def cut_off(number, turns, *, cut):
    """Return a dialogue of turns of 5 points each, but for the last ones that were cut off."""
    one, said, _ = played(number)
    marks = [score(said, 5.0, turn=turn) for turn in range(turns - cut)]
    none = [
        score(said, None, turn=turn, unscored="candidate_truncated")
        for turn in range(turns - cut, turns)
    ]
    return one, said, [*marks, *none]


def test_turns_that_failed_are_counted_as_turns_and_the_others_stay_in_the_mean():
    given = with_scores([cut_off(n, 8, cut=1 if n < 6 else 0) for n in range(8)])
    last = replace(given.scores[7], unscored="not_reached")
    found = report(replace(given, scores=[*given.scores[:7], last, *given.scores[8:]]))

    assert found.headline.overall.value == pytest.approx((6 * 4.5 + 2 * 5) / 8)
    assert (found.answers, found.failed) == (64, 6)
    assert (found.judged.value, found.judged.n) == (5.0, 8)
    assert found.judges[0].mean.n == 8
    assert "as 6 of 64 answers here do; without them the mean is 5.00" in method(found)


def test_an_answer_that_two_judges_were_not_asked_about_is_one():
    found = report(with_scores([*(played(n, 4.0, 2.0) for n in range(3)), refused(3, judges=2)]))

    assert (found.answers, found.failed, found.judged.value) == (4, 1, 3.0)


def test_the_table_of_judges_counts_what_the_headline_counts():
    one, said, scores = played(0, 4.0)
    facts = [score(said, None, judge="judge-0@1", criterion=f"fact:{n}") for n in range(9)]
    choice = score(said, 1.0, judge="judge-0@1", criterion="preference")
    turned = replace(choice, labels=(), inconsistency=0.3)
    control = played(1, None, control=Control.no_persona)
    missing = played(2, None)
    found = report(with_scores([(one, said, [*scores, *facts, turned]), control, missing]))

    [judge] = found.judges
    assert (found.criteria, judge.scores, judge.unscored) == (["consistency"], 2, {"off_format": 1})
    assert judge.inconsistency == 0.3
