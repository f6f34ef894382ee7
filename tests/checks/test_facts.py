import pytest

from opencharacter.checks.facts import contradicts_profile, facts_in, facts_of
from tests.checks.people import character_named

ANN = facts_of(
    character_named(
        "Ann Lee",
        40,
        "Cork, Ireland",
        "Name: Ann Lee\nAge: 40\nBirth place: Cork, Ireland\nGeneral experience: A baker who was "
        "a sailor before. Ann lives in Berlin now.",
    )
)


@pytest.mark.parametrize(
    "answer",
    [
        "My name is Bob.",
        "My full name is Robert Smith, but never mind.",
        "I am 30 years old.",
        "I'm forty-one years old, and I feel it.",
        "I just turned 39 years old.",
        "I was born in Paris, in spring.",
        "I was born and raised in the city of Lyon.",
        "I work as a dentist.",
        "I\u2019m 35 years old.",
    ],
)
def test_what_the_profile_denies_is_seen(answer):
    assert contradicts_profile(answer, ANN) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "My name is Ann.",
        "My name is Lee, Ann Lee.",
        "I am 40 years old.",
        "I'm forty years old.",
        "When I was 30 years old I went to sea.",
        "My brother says: she is 30 years old.",
        "I was born in Cork.",
        "I was born in Ireland, you know.",
        "I was born in 1984.",
        "I was born in March.",
        "I was born in Berlin, some say.",
        "I work as a baker.",
        "I worked as a dentist once.",
        "My name is not important.",
        "My daughter is 12 years old.",
        "I am 40.",
    ],
)
def test_what_fits_or_is_about_others_passes(answer):
    assert contradicts_profile(answer, ANN) is None


def test_a_profile_in_a_system_prompt_is_read():
    facts = facts_in("You are this.\n\nName: Ann Lee\nAge: 40\nBirth place: Cork, Ireland\n")

    assert (facts.name, facts.age, facts.birth_place) == ("Ann Lee", 40, "Cork, Ireland")
    assert contradicts_profile("My name is Bob.", facts) is not None


def test_without_a_profile_nothing_is_denied():
    facts = facts_in("You are a helpful baker.")

    for answer in ("My name is Bob.", "I am 30 years old.", "I was born in Paris."):
        assert contradicts_profile(answer, facts) is None
