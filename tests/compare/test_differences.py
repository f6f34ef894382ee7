from dataclasses import replace

import pytest

from opencharacter.compare.compare_page import compare_markdown, compare_page, sentences
from opencharacter.compare.differences import comparison_of
from opencharacter.compare.embedding import embedded
from opencharacter.compare.systems import check_alike, systems_of
from opencharacter.config import CompareConfig
from opencharacter.errors import ConfigError
from opencharacter.records import Domain
from tests.compare.played import results


def shifted(by, *, step=0.0):
    """Return values that are `by` more, and by `step` more or less by character."""
    return lambda number, value: value + by + step * (number % 4 - 1.5)


def compared(*runs, **settings):
    systems = systems_of(runs, [])
    check_alike(systems)
    return comparison_of(systems, CompareConfig(**settings))


def test_the_second_run_is_better_by_the_mean_of_the_differences():
    found = compared(results(24, run="a"), results(24, run="b", values=shifted(0.5, step=0.1)))
    [line] = found.main

    # Unseen characters are 1, 3, 5 ...: half of them 0.45 better, half 0.65.
    assert (line.scope, line.difference.estimate.value) == ("out", pytest.approx(0.55))
    assert line.difference.p == pytest.approx(2 / 2**12)  # 12 characters, all of one sign
    assert sentences(found)[0].startswith(
        "b plays unseen characters better than a by 0.55 points (95% interval +0."
    )


def test_differences_are_adjusted_for_the_pairs_of_their_table():
    runs = [results(24, run=name, values=shifted(by, step=0.2)) for name, by in
            (("a", 0.0), ("b", 0.1), ("c", 0.5))]  # fmt: skip
    found = compared(*runs)

    assert [(line.first, line.second) for line in found.main] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    for line in found.main:
        assert line.p_holm >= line.difference.p


def test_of_more_than_four_runs_each_is_held_against_the_first():
    names = "abcde"
    found = compared(*(results(8, run=name) for name in names))

    assert {line.first for line in found.main} == {"a"}
    assert [line.second for line in found.main] == list(names[1:])


def test_no_difference_is_not_called_equality_but_tested_for_it():
    close = results(24, run="b", values=shifted(0.0, step=0.01))
    wide = results(24, run="c", values=lambda n, v: v + (0.5 if n % 4 < 2 else -0.5))
    same = sentences(compared(results(24, run="a"), close))[0]
    unsure = sentences(compared(results(24, run="a"), wide))[0]

    assert "They are equal within ±0.10 points" in same
    assert "No difference between a and c is shown" in unsure
    assert "Nor are they shown to be equal within ±0.10 points" in unsure
    assert "would be found 4 times in 5" in unsure


def test_the_interval_of_the_words_is_the_one_of_the_table_turned_with_them():
    wide = results(24, run="b", values=lambda n, v: v - 0.1 + (0.5 if n % 8 < 2 else -0.2))
    found = compared(results(24, run="a"), wide)
    one = found.main[0].difference.estimate

    assert one.value < 0  # b is below a: the words say that a is above b, by the same turned round
    ends = f"{-one.high:+.2f} to {-one.low:+.2f}"
    assert f"{-one.value:.2f} points above b (95% interval {ends}," in sentences(found)[0]
    assert f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" in compare_markdown(found)
    assert sentences(found)[0].count(" to +") == 1  # no second interval of another kind


def test_the_same_answers_have_identical_scores():
    told = sentences(compared(results(24, run="a"), results(24, run="b")))

    assert told == ["a and b have identical scores on unseen characters."]


def test_what_can_be_detected_is_said_in_points():
    wide = results(24, run="c", values=lambda n, v: v + (0.5 if n % 4 < 2 else -0.5))
    [line] = compared(results(24, run="a"), wide).main

    # 12 characters with +-0.5: sd 0.5222, and (2.20099 + 0.87553) * sd / sqrt(12).
    assert line.detectable == pytest.approx(0.4638, abs=1e-3)


def test_where_no_p_value_can_be_small_enough_nothing_is_called_detectable():
    def wide(number, value):
        return value + (0.5 if number % 4 < 2 else -0.4) + 0.1 * number

    found = compared(*(results(10, run=run, values=v) for run, v in (("a", None), ("b", wide))))
    [line] = found.main  # five unseen characters: 2 / 2^5

    assert (line.least_p, line.detectable) == (0.0625, None)
    told = "With 5 characters and 1 line no p below 0.062 is possible"
    assert told in sentences(found)[0]
    assert told in compare_markdown(found)


def test_lines_of_a_table_raise_what_p_can_be():
    few = [results(6, run="a"), results(6, run="b", values=shifted(0.5, step=0.1))]
    found = compared(
        *(replace(r, transcripts=[replace(t, domain=Domain.unknown) for t in r.transcripts])
          for r in few)
    )  # fmt: skip

    assert [line.least_p for line in found.main] == [0.03125]
    assert found.main[0].detectable > 0
    assert [line.detectable for line in found.by_criterion] == [None, None]
    assert "With 6 characters and 2 lines no p below 0.062" in compare_markdown(found)


def test_no_chance_is_told_as_a_certainty():
    sure = results(24, run="b", values=lambda n, v: v + 1 + 0.001 * (n % 3))
    text = compare_markdown(compared(results(24, run="a"), sure))

    assert "| &gt; 99.9% |" in text or "| > 99.9% |" in text
    assert "100.0%" not in text


def test_runs_that_miss_scores_have_bounds_and_no_headline():
    gaps = results(24, run="b", values=lambda n, v: None if n == 1 else v)
    found = compared(results(24, run="a"), gaps)
    [line] = found.main

    assert "b: 4.2% of the scores are missing" in found.withheld[0]
    # Of 12 unseen characters one is missing in b, which has 3.1 in a: 1 - 3.1 and 5 - 3.1 of 12.
    assert (line.bounds.worst, line.bounds.best) == pytest.approx((-2.1 / 12, 1.9 / 12))


def test_no_difference_is_more_than_the_width_of_the_scale():
    found = compared(results(4), results(4, run="b", values=lambda n, v: 5.0 if n else 1.0))

    for line in (*found.main, *found.domains, *found.by_criterion):
        one = line.difference.estimate
        assert one.low is None or -4.0 <= one.low < one.high <= 4.0


def test_items_that_a_run_was_not_asked_do_not_count():
    found = compared(results(24, run="a"), results(20, run="b"))

    assert (found.items, found.left_out) == (40, {"a": 8, "b": 0})
    assert "8 items of a were not asked of all" in " ".join(found.cautions)


def test_runs_without_a_shared_item_are_refused():
    other = results(8, run="b")
    moved = {id_: replace(item, suite="theirs@9") for id_, item in other.items.items()}
    transcripts = [replace(t, item_id=moved[t.item_id].id) for t in other.transcripts]
    scores = [
        replace(s, item_id=t.item_id, transcript_id=t.id)
        for s, t in zip(other.scores, transcripts, strict=True)
    ]
    items = {item.id: item for item in moved.values()}
    other = replace(other, items=items, transcripts=transcripts, scores=scores)

    with pytest.raises(ConfigError, match="a, b share no item"):
        compared(results(8, run="a"), other)


def test_scores_are_drawn_against_what_runs_differ_in():
    runs = [
        replace(results(8, run=f"r{n}"), facts={"characters": n, "rows": 7, "method": "rewrite"})
        for n in (100, 1000, 10000)
    ]
    found = compared(*runs)
    page = compare_page(found, embedded(runs, [], most=0))

    assert "<h2>Score against characters</h2>" in page
    assert "<h2>Score against training dialogues</h2>" not in page  # all have 7
    assert "| r1000 |" in compare_markdown(found)


def test_runs_that_differ_in_several_facts_of_training_are_told_apart_by_none():
    told = {"characters": 7, "rows": 273, "tokens": 94_000, "method": "generate"}
    runs = [
        replace(results(8, run="small"), facts=told),
        replace(results(8, run="big"), facts=told | {"characters": 64, "rows": 303}),
        replace(results(8, run="wide"), facts=told | {"characters": 64, "rows": 274}),
    ]
    lines = [line for line in sentences(compared(*runs)) if "more than one thing" in line]

    assert lines == [
        "small and big differ in more than one thing, so nothing here says which of them a "
        "difference comes from: characters 7 and 64; training dialogues 273 and 303."
    ]


def test_a_run_of_one_domain_is_compared_on_all_characters():
    runs = [results(8, run=run, values=lambda n, v: v) for run in "ab"]
    unknown = []
    for run in runs:
        transcripts = [replace(t, domain=Domain.unknown) for t in run.transcripts]
        unknown.append(replace(run, transcripts=transcripts))
    found = compared(*unknown)

    assert [line.scope for line in found.main] == ["unknown"]
    assert found.domains == []


def test_runs_of_a_suite_without_domains_are_compared_without_a_word_of_them():
    runs = [results(8, run="a"), results(8, run="b", values=shifted(0.5, step=0.1))]
    found = compared(
        *(replace(r, transcripts=[replace(t, domain=Domain.none) for t in r.transcripts])
          for r in runs)
    )  # fmt: skip

    assert sentences(found)[0].startswith("b answers these questions better than a by 0.50 points")
    assert "| b − a | 0.50 [" in compare_markdown(found)


def test_a_checklist_that_only_one_run_has_is_no_obstacle():
    b = results(8, run="b")
    facts = [
        replace(s, criterion="fact:age", rubric="checklist@1", labels=(), value=1.0)
        for s in b.scores
    ]

    assert compared(results(8, run="a"), replace(b, scores=[*b.scores, *facts])).items == 16


def test_a_run_whose_only_judge_is_left_out_says_so():
    kin = {"families": {"judge-b@1": "m"}, "related": {"m": "the tested model's own"}}
    runs = [results(4, run="a"), replace(results(4, run="b", judges=("judge-b@1",)), **kin)]

    with pytest.raises(
        ConfigError, match=r"b by judge-b@1 \(left out: the tested model's own family\)"
    ):
        check_alike(systems_of(runs, []))


def test_where_no_item_has_a_score_in_all_runs_there_are_bounds_and_a_page():
    found = compared(results(8), results(8, run="b", values=lambda n, v: None))

    assert found.main[0].bounds.worst < 0 < found.main[0].bounds.best
    assert "lies between" in compare_markdown(found)


def test_items_without_a_score_of_the_criteria_were_asked_all_the_same():
    both = [results(8, run=name) for name in "ab"]
    systems = systems_of(both, ["habits"])
    found = comparison_of(systems, CompareConfig(criteria=["habits"]))

    assert found.left_out == {"a": 0, "b": 0}
    assert not any("were not asked of all" in each for each in found.cautions)
