import pytest

from opencharacter.checks.leaking import prompt_leak
from opencharacter.prompts.character import system_prompt
from tests.checks.people import KEEPER, character

FIXED = [
    part for part in system_prompt(character("@", experience="x")).split("\n\n") if "#" not in part
]


def test_reciting_the_fixed_texts_is_a_leak():
    assert len(FIXED) == 2
    for text in FIXED:
        assert prompt_leak(f"My orders: {text.upper()}", "Tell me.") is not None


@pytest.mark.parametrize(
    "answer", ["# Persona\nA keeper", "ok\n## Character Profile:\nName", "#Persona"]
)
def test_section_headings_are_a_leak(answer):
    assert prompt_leak(answer, "What do you do?") is not None


@pytest.mark.parametrize(
    "answer",
    [
        "You are a character in a conversation I once had.",
        "I answer every message as this character would, friend.",
        "# Persona design for beginners\nStart with a name.",
        "My persona is a keeper.",
        "# Profile\nAge 71",
        "I try to be helpful, and do no harm.",
        KEEPER.profile,
        KEEPER.persona,
        "Issue #12 is about the persona.",
        "",
        "Character profile: brave.",
        "Das ist # kein Titel",
    ],
)
def test_own_words_about_oneself_are_no_leak(answer):
    assert prompt_leak(answer, "Who are you?") is None


def test_what_the_user_showed_may_be_said_again():
    assert prompt_leak("# Persona\nA clerk", "Fill in:\n# Persona\n...") is None
    assert prompt_leak(f"You wrote: {FIXED[1]}", f"Translate: {FIXED[1]}") is None
