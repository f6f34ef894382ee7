"""Human labels: drawn at random, given blind, read strictly, and held against a judge."""

import json
import re

import numpy as np
import pytest

from opencharacter.errors import SourceError
from opencharacter.evaluation.label_files import notes_on, read_label_files
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


KNOWN = {"k/1": SCALE, "k/2": SCALE}


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfkey,annotator,points\r\nk/1,ann,4\r\n\r\nk/2,ann,5\r\n",
        b"key;annotator;points\nk/1;ann;4\nk/2;ann;5\n",
        b"sep=;\nkey;annotator;points\nk/1;ann;4,0\nk/2;ann;5,0\n",
        "key\tannotator\tpoints\nk/1\tann\t4\nk/2\tann\t5\n".encode("utf-16"),
        b'"key","annotator","points"\n"k/1","ann","=""4"""\n"k/2"," ann ","5.0"\n',
        b'Key, Annotator ,POINTS,note,\nk/1,ann,4,"a, b",\nk/2,ann,5,,\n,,,,\n',
    ],
    ids=["mark and CRLF", "semicolons", "sep=", "UTF-16 and tabs", "formulas", "more columns"],
)
def test_what_a_spreadsheet_saves_is_read(tmp_path, raw):
    path = tmp_path / "a.csv"
    path.write_bytes(raw)

    assert read_labels([str(path)], KNOWN) == {"ann": {"k/1": 4.0, "k/2": 5.0}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k/9,ann,4", r"a\.csv:2: there is no answer 'k/9' in this run"),
        ("k/1,ann,7", r"a\.csv:2: points are '7'; the scale is 1, 2, 3, 4, 5"),
        ("k/1,ann,4\nk/1,ann,5", r"a\.csv:3: ann labels 'k/1' twice, and differently"),
        ("k/1, ,4", r"a\.csv:2: nobody is named as annotator"),
        ("k/1,ann,4\nk/2,Ann,4", "the annotators 'ann' and 'Ann' differ in case or spaces alone"),
        ("k/1,ann", r"a\.csv:2: 2 cells, and there are 3 columns"),
        ("k/1,Doe, Jane,4", r"a\.csv:2: 4 cells, and there are 3 columns"),
        ('"k/1,ann,4\nk/2,ann,4', r"a\.csv:3: unexpected end of data; a quotation mark is not"),
        ("k/1,ann,\nk/2,ann,", r"a\.csv has no label: no row of it has points"),
        ("", r"a\.csv has no label"),
    ],
    ids=[
        *("unknown", "off the scale", "twice", "nobody", "case", "short", "long"),
        *("open quote", "no points", "no rows"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(tmp_path, text, message):
    path = csv(tmp_path / "a.csv", text)

    with pytest.raises(SourceError, match=message):
        read_labels([path], KNOWN)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"key,points\nk/1,4\n", "has no column 'annotator'"),
        (b"", "has no column 'key'"),
        (b"key,annotator,points,points\nk/1,ann,4,5\n", "has the column 'points' twice"),
        ("key,annotator,points\nk/1,Jürgen,4\n".encode("latin-1"), "save it as CSV UTF-8"),
    ],
    ids=["no column", "empty", "column twice", "latin-1"],
)
def test_files_that_hold_no_labels_are_refused(tmp_path, raw, message):
    path = tmp_path / "a.csv"
    path.write_bytes(raw)

    with pytest.raises(SourceError, match=message):
        read_labels([str(path)], KNOWN)


def test_what_is_odd_about_labels_is_told(tmp_path):
    known = {f"k/{n}": SCALE for n in range(12)}
    alike = [f"k/{n},cem,3" for n in range(12)]
    own = [f"k/{n},{who},{1 + n % 5}" for who in ("ann", "ben") for n in range(10)]
    path = csv(tmp_path / "a.csv", *own, *alike, *alike[:2], "k/11,ann,")

    assert notes_on(read_label_files([path], known)) == [
        "labels: 10 of ann, 10 of ben, 12 of cem",
        "rows without points, which do not count: 1",
        "rows that say again what another said, and count once: 2",
        "ann and ben gave the same marks throughout",
        "cem gave all 12 answers the same mark",
    ]
    one, other = (csv(tmp_path / f"{n}.csv", f"k/{n},{n},3") for n in (1, 2))
    assert "one person has labelled" in notes_on(read_label_files([one], known))[-1]
    assert "labelled by two people" in notes_on(read_label_files([one, other], known))[-1]


def test_a_judge_is_not_held_against_one_mark_for_all():
    found = agreement(judged([1.0, 3.0, 5.0, 2.0]), labels([3] * 4), epsilon=0.1)

    assert found["judge"] == "people gave all these answers 3: nothing to compare"
    assert "kappa_quadratic" not in found


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
