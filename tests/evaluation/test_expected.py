"""Right answers and choices, by rule."""

import json

import pytest

from opencharacter.evaluation.expected import Choice, Expected
from opencharacter.evaluation.templates import read_rows, suite_file

FILMS = Choice(prefers="Casablanca", over="Alien")


@pytest.mark.parametrize(
    ("words", "answer", "is_right"),
    [
        ("Paris", "It is PARIS, of course.", True),
        ("Paris", "The parish church.", False),
        ("42", "17 plus 25 is 42.", True),
        ("42", "142", False),
        ("42", "4.2", False),
        ("1000", "That makes 1,000 of them", True),
        ("carbon dioxide", "Carbon-dioxide, mostly.", True),
        ("buenos días", "¡Buenos días!", True),
        ("full", "", False),
    ],
)
def test_a_word_is_found_whole(words, answer, is_right):
    assert Expected(any_of=(words,)).is_met(answer) is is_right


ANSWERS = {
    "form/capitals": ("THE SUN IS SHINING!", "The SUN IS SHINING!"),
    "form/three": ("pear\nfig\n\nplum", "pear, fig and plum"),
    "form/comma": ("A cat is soft. It sleeps.", "A cat is soft, and sleeps."),
    "form/yes": (" Yes. ", "Yes, it is."),
    "form/end": ("A good journey to you, see you soon!", "See you soon! Have a good journey."),
    "form/json": ('```json\n{"colour": "red"}\n```', '{"color": "red"}'),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_form_that_is_asked_for_is_seen(name):
    row = next(row for row in read_rows(suite_file("retention")) if row["id"] == name)
    rule = Expected(pattern=row["pattern"])
    right, wrong = ANSWERS[name]

    assert (rule.is_met(right), rule.is_met(wrong)) == (True, False)


def test_every_question_of_retention_has_one_rule():
    rows = read_rows(suite_file("retention"))

    assert len(rows) == len({row["id"] for row in rows}) >= 24
    assert all(("any_of" in row) != ("pattern" in row) for row in rows)


@pytest.mark.parametrize(
    ("answer", "agrees"),
    [
        ("Casablanca.", True),
        ("I prefer 'Casablanca'.", True),
        ("Alien, without a doubt.", False),
        ("I would choose Alien over Casablanca.", False),
        ("Casablanca, not Alien.", True),
        ("Rather Casablanca than Alien.", True),
        ("I prefer Alien. Casablanca is too slow.", False),
        ("Both Alien and Casablanca are fine.", None),
        ("Neither.", None),
        ("I am no alienist.", None),
        ("", None),
        ("My sister loves Alien, but I love Casablanca.", True),
    ],
)
def test_a_choice_is_one_of_the_two_or_none(answer, agrees):
    assert FILMS.is_met(answer) is agrees


def test_rules_are_stored_as_text():
    assert json.loads(FILMS.as_json()) == {"prefers": "Casablanca", "over": "Alien"}
