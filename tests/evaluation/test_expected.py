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


# As models say it, to "Alien or Heat?"; one who only says what is bad has chosen nothing.
CHOICES = {
    "Alien.": True,
    "I prefer Alien to Heat.": True,
    "Heat is not for me; Alien.": True,
    "Of the two I'd say Alien, though Heat is fine.": True,
    "Alien over Heat, any day.": True,
    "I would pick Alien.": True,
    "I love Heat, but Alien is better.": True,
    "Between Alien and Heat, Alien.": True,
    "Alien or Heat? Alien!": True,
    "Heat bores me. Alien!": True,
    "I dislike Alien, so Heat": False,
    "I'd take Heat over Alien": False,
    "Neither Alien nor Heat.": None,
    "**Alien**": True,
    "I can't stand Alien.": None,
    "Alien wins.": True,
    "I hate Heat": None,
    "Not Alien - Heat!": False,
    "Alien beats Heat.": True,
    "Heat was overrated compared to Alien.": True,
    "Rather than Heat, I choose Alien.": True,
    "Heat is good, but not as good as Alien.": True,
    "Nothing beats Alien.": True,
    "Heat doesn't come close to Alien.": True,
    "I'd rather watch Alien than Heat.": True,
    "I can't get enough of Alien.": True,
    "I fell asleep in Heat.": None,
    "Heat is boring.": None,
    "Heat wasn't for me.": None,
    "Heat is worse than Alien.": True,
    "Heat isn't bad, but I'd go with Alien.": True,
    "I used to prefer Heat.": None,
    "My sister prefers Heat.": None,
    "If I had to choose, Alien.": True,
    "If I had to choose, I'd pick Alien.": True,
    "I hate Heat, so Alien.": True,
    "I like both Alien and Heat.": None,
    "Alien is my favourite.": True,
    "My choice is Alien.": True,
    "Definitely Alien.": True,
    "I'm tired of Heat.": None,
    "Heat left me cold; Alien never did.": None,
    "I regret watching Heat.": None,
    "Alien is overrated; Heat is better.": False,
    "Heat, without a doubt.": False,
    "Heat pales beside Alien.": True,
    "I avoid Heat.": None,
    "Alien, because Heat is too long.": True,
    "I saw Heat twice.": None,
    "I liked Heat less than Alien.": True,
    "Both are great, but I'd pick Alien.": True,
    "I preferred Alien.": True,
    "I didn't like Heat; I preferred Alien.": True,
    "I'd skip Heat and take Alien.": True,
    "I don't hate Heat, but I prefer Alien.": True,
    "Alien is great, Heat even better.": False,
    "Heat has a long plot.": None,
    "I have to say I would not choose Heat.": None,
    "I have to say I would not choose Alien.": None,
    "When it comes to films, I would never pick Heat.": None,
    "I have to admit I don't prefer Heat.": None,
    "I have to say I would choose Alien.": True,
    "Heat isn't worse than Alien.": None,
    "Alien isn't worse than Heat.": None,
    "Heat is not worse than Alien.": None,
    "Heat isn't better than Alien.": True,
    "Heat doesn't compare to Alien.": True,
    "Heat is fine, but isn't as good as Alien.": True,
}


@pytest.mark.parametrize("answer", CHOICES)
def test_a_dislike_is_no_choice_and_the_better_one_is(answer):
    alien, heat = Choice(prefers="Alien", over="Heat"), Choice(prefers="Heat", over="Alien")
    wanted = CHOICES[answer]

    assert alien.is_met(answer) is wanted
    assert heat.is_met(answer) is (None if wanted is None else not wanted)
