"""Whether judges favour their own family: by hand, over runs of several families."""

from dataclasses import replace

import pytest

from opencharacter.compare.favour import favour_table, favour_words, favours_of
from opencharacter.stats.student import t_tail
from tests.compare.played import results, score

FAMILIES = {"a@1": "llama", "b@1": "gemma"}
FAVOURED = 0.5


def points(number, judge, family, favour):
    """Return what a judge gives: b is stricter by one, and uses half of a's scale."""
    quality = 3 + 0.1 * (number % 5) + 0.4 * (family == "llama")
    if judge == "b@1":
        return 1 + quality / 2
    return quality + (favour + 0.02 * (number % 3 - 1)) * (family == "llama")


def run(name, family, judges=FAMILIES, favour=FAVOURED):
    given = results(12, run=name, model=f"{family}@1")
    scores = [
        score(each, points(n, judge, family, favour), judge=judge)
        for n, each in enumerate(given.transcripts)
        for judge in judges
    ]
    return replace(given, scores=scores, families=judges, candidates={f"{family}@1": family})


def favours(*runs):
    return favours_of(runs, level=0.95)


def test_a_judge_s_favour_for_its_own_family_is_measured_between_runs():
    found = favours(run("m", "llama"), run("n", "qwen"))

    assert [(one.judge, one.criterion) for one in found] == [
        ("a@1", "consistency"),
        ("a@1", "habits"),
    ]
    for one in found:
        # On the common scale, whose spread inside of families is the mean of 2 parts and 1 of a's,
        # half a point is 3/4 as much.
        assert one.estimate.value == pytest.approx(0.75 * FAVOURED, abs=0.02)
        assert one.estimate.low > 0
        assert (one.family, one.families, one.judges) == ("llama", ["llama", "qwen"], 2)
        assert one.estimate.clusters == 12
    assert len(favour_table(found).lines) == 2
    assert "a@1 gives answers of its own family, llama, 0." in favour_words(found, level=0.95)[0]


def test_where_nobody_favours_anybody_nothing_is_found():
    found = favours(run("m", "llama", favour=0.0), run("n", "qwen"))
    assert all(one.estimate.low < 0 < one.estimate.high for one in found)
    assert favour_words(found, level=0.95) == []


def test_two_judges_of_the_two_families_are_told_what_it_takes():
    both = {"a@1": "llama", "b@1": "qwen"}
    found = favours(run("m", "llama", both), run("n", "qwen", both))

    assert [one.estimate.value for one in found] == [None] * 4
    assert "of a third family" in favour_table(found).lines[0][3]


@pytest.mark.parametrize("unknown", [{}, {"llama@1": "player.family="}])
def test_models_of_one_family_or_of_none_that_is_known_tell_nothing(unknown):
    one = replace(run("m", "llama"), unknown=unknown)

    assert favours(one, run("n", "qwen" if unknown else "llama")) == []


def test_a_judge_that_scored_one_run_alone_has_no_part():
    third = {**FAMILIES, "d@1": "llama"}

    found = favours(run("m", "llama", third), run("n", "qwen"))
    assert {one.judge for one in found} == {"a@1"}


def test_a_judge_of_a_family_that_nothing_says_is_no_third_one():
    strange = {"a@1": "llama", "b@1": "qwen", "owl@1": "owl"}
    given = [run("m", "llama", strange), run("n", "qwen", strange)]
    given = [replace(each, unknown={"owl@1": "judge.family="}) for each in given]
    found = favours(*given)

    assert {one.judge for one in found} == {"a@1", "b@1"}
    assert [one.estimate.value for one in found] == [None] * 4
    assert favour_words(found, level=0.95) == []


def test_favours_are_adjusted_for_all_lines():
    found = favours(run("m", "llama"), run("n", "qwen"))

    alone = [2 * t_tail(one.estimate.value / one.estimate.se, 11) for one in found]
    assert found[0].p_holm == pytest.approx(min(2 * min(alone), max(*alone, 2 * min(alone))))
    assert "after Holm" in favour_words(found, level=0.95)[0]
