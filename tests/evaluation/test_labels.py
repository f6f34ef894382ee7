"""Human labels: drawn at random, given blind, read strictly, and held against a judge."""

import json
import re

import numpy as np
import pytest

from opencharacter.errors import SourceError
from opencharacter.evaluation.labels import (
    agreement,
    draw_for_people,
    label_page,
    read_labels,
)
from opencharacter.evaluation.work import Instrument, Work
from opencharacter.records import Control, Failure, Score
from tests.evaluation.judged import item, transcript
from tests.evaluation.test_judging import RUBRICS

RUBRIC = RUBRICS[Instrument.rubric]
PEOPLE = [
    [
        item((f"Question {q}?",), persona_id=f"persona-{p:024x}", persona=f"Person {p}")
        for q in range(size)
    ]
    for p, size in enumerate([1, 6, 3])
]
WORK = [
    Work(one, transcript(one, "An answer </script><b>"), "persona_consistency", 0)
    for items in PEOPLE
    for one in items
]
SCALE = {"1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0, "5": 5.0}


def csv(path, *rows, head="key,annotator,points"):
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_every_answer_is_as_likely_to_be_labelled_as_another_and_draws_nest():
    """One character has 300 answers, 100 others have one each; 100 are drawn."""
    people = [f"persona-{max(0, number - 299):024x}" for number in range(400)]
    items = [item((f"Question {n}?",), persona_id=who) for n, who in enumerate(people)]
    work = [Work(one, transcript(one, "Yes."), "persona_consistency", 0) for one in items]

    drawn = draw_for_people(work, 100)

    of_one = sum(w.item.persona_id == people[0] for w in drawn)
    assert abs(of_one - 75) < 3 * 3.75  # hypergeometric, sd 3.75
    assert [w.key for w in draw_for_people(work, 40)] == [w.key for w in drawn[:40]]


def test_failed_answers_and_those_under_a_control_are_not_labelled():
    one = PEOPLE[0][0]
    failed = Work(one, transcript(one, failures=(Failure.empty,)), "persona_consistency", 0)
    controlled = Work(
        one, transcript(one, "x", control=Control.no_persona), "persona_consistency", 0
    )

    assert draw_for_people([failed, controlled], 9) == []


def test_a_page_is_whole_and_blind_and_no_answer_ends_its_script():
    page = label_page(WORK[:2], RUBRIC)

    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    items = json.loads(data[1])
    assert [each["key"] for each in items] == [w.key for w in WORK[:2]]
    assert items[0]["answer"] == "An answer </script><b>"
    assert "m@1" not in page  # the model
    assert "{{" not in page
    assert not re.search(r'(src|href)="?http', page)


def test_labels_are_read_by_annotator(tmp_path):
    one = csv(tmp_path / "a.csv", '"k/1","ann","4"', '"k/2","ann",""')
    other = csv(tmp_path / "b.csv", "k/1,ben,5")

    assert read_labels([one, other], {"k/1": SCALE, "k/2": SCALE}) == {
        "ann": {"k/1": 4.0},
        "ben": {"k/1": 5.0},
    }


def test_a_label_counts_what_it_is_worth(tmp_path):
    path = csv(tmp_path / "a.csv", "k/1,ann,4")

    assert read_labels([path], {"k/1": {"1": 0.0, "4": 75.0}}) == {"ann": {"k/1": 75.0}}


@pytest.mark.parametrize(
    ("rows", "head", "message"),
    [
        (["k/9,ann,4"], None, r"a\.csv:2: there is no answer 'k/9' in this run"),
        (["k/1,ann,7"], None, r"a\.csv:2: points are '7'; the scale is 1, 2, 3, 4, 5"),
        (["k/1,ann,4", "k/1,ann,5"], None, r"a\.csv:3: ann labels 'k/1' twice, and differently"),
        (["k/1,4"], "key,points", "has no column 'annotator'"),
    ],
    ids=["unknown", "off the scale", "twice", "no column"],
)
def test_labels_that_cannot_be_meant_are_refused(tmp_path, rows, head, message):
    path = csv(tmp_path / "a.csv", *rows, **({"head": head} if head else {}))

    with pytest.raises(SourceError, match=message):
        read_labels([path], {"k/1": SCALE})


def judged(values):
    return [
        Score(
            transcript_id=f"t{n}",
            item_id="i",
            persona_id=f"p{n // 2}",
            judge="j@1",
            rubric="r@1",
            criterion="labelled:c",
            turn=0,
            value=value,
            unscored=None if value is not None else "off_format",
        )
        for n, value in enumerate(values)
    ]


def labels(*annotators):
    return {
        f"a{number}": {f"t{n}/c/0": float(mark) for n, mark in enumerate(marks)}
        for number, marks in enumerate(annotators)
    }


def test_a_judge_that_says_what_people_say_agrees_with_them():
    drawn = np.random.default_rng(0)
    truth = drawn.integers(1, 6, 60)
    people = [np.clip(truth + drawn.integers(-1, 2, 60), 1, 5) for _ in range(3)]
    same = agreement(judged(map(float, truth)), labels(*people), epsilon=0.1)
    chance = agreement(judged(map(float, drawn.permutation(truth))), labels(*people), epsilon=0.1)

    assert same["kappa_quadratic"]["value"] > 0.85
    assert same["spearman"]["low"] > 0.8
    assert same["alt_test"]["passed"] is True
    assert chance["kappa_quadratic"]["low"] < 0 < chance["kappa_quadratic"]["high"]
    assert chance["alt_test"]["passed"] is False
    assert same["alpha_of_people"] == chance["alpha_of_people"] > 0.7


def test_verdicts_that_are_missing_are_counted_and_no_number():
    found = agreement(judged([None] * 10), labels([3] * 10, [4] * 10), epsilon=0.1)

    assert (found["answers"], found["scored_by_judge"]) == (10, 0)
    assert found["judge"] == "0 labelled answers have a verdict: nothing to compare"
