import pytest

from opencharacter.lint.dialogue import Dialogue
from opencharacter.lint.rules import RULES, findings, mended
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn

SYSTEM = "Name: Ann Lee\nAge: 40\nBirth place: Cork, Ireland"
LONG = (
    "You are Ann Lee, a baker from Cork who rises at three, bakes soda bread and barmbrack for the "
    "whole street, sings in the choir, keeps bees on the roof, and never forgets a name."
)
STORY = "I went to the market with all of my friends, and then we went home again by the"


def dialogue(*turns: tuple[str, str]) -> Dialogue:
    spoken = {"s": Role.system, "u": Role.user, "a": Role.assistant}
    return Dialogue(place="f:1", row={}, turns=[Turn(spoken[who], text) for who, text in turns])


GOOD = [
    (("u", "hi"), ("a", "Hello, love.")),
    (("s", SYSTEM), ("u", "hi"), ("a", "I am 40 years old."), ("u", "so?"), ("a", "So what?")),
    (("s", LONG), ("u", "who are you?"), ("a", "Ann, a baker from Cork who rises at three.")),
    (("u", "How was it?"), ("a", f"{STORY} park.")),
    (("u", "What is None in Python?"), ("a", "None is the only value of its type.")),
    (("u", "What does Python print for print(None)?"), ("a", "None")),
]

BAD = {
    "no_turns": (("s", "You are Ann."),),
    "carriage_return": (("u", "hi"), ("a", "Good day.\r\nHow is the sea?\r")),
    "system_inside": (("u", "hi"), ("s", "be kind"), ("a", "Hello.")),
    "empty_turn": (("u", "hi"), ("a", "Hello."), ("u", "so?"), ("a", " ")),
    "literal_none": (("u", "hi"), ("a", "Hello."), ("u", "so?"), ("a", "None")),
    "starts_otherwise": (("a", "Welcome!"), ("u", "hi"), ("a", "Hello.")),
    "no_alternation": (("u", "hi"), ("u", "you there?"), ("a", "Hello.")),
    "no_last_answer": (("u", "hi"), ("a", "Hello."), ("u", "so?")),
    "prompt_placeholder": (("s", "You are {NAME}."), ("u", "hi"), ("a", "Hello.")),
    "recites_prompt": (("s", LONG), ("u", "hi"), ("a", f"Well! {LONG}")),
    "control_tokens": (("u", "hi"), ("a", "Hello.<|im_end|>")),
    "breaks_character": (("u", "hi"), ("a", "As an AI language model, I cannot.")),
    "copies_question": (
        ("u", "Tell me of the sea and the sky and the boats"),
        ("a", "Tell me of the sea and the sky and the boats"),
    ),
    "placeholder": (("u", "hi"), ("a", "Hello, {{user}}.")),
    "repetition": (("u", "hi"), ("a", "and the sea " * 6)),
    "speaks_for_user": (("u", "hi"), ("a", "Hello.\nUser: and you?")),
    "contradicts_profile": (("s", SYSTEM), ("u", "hi"), ("a", "My name is Bob.")),
    "language_switch": (
        ("u", "Where are the boats, and what is it that you have with this wind?"),
        ("a", "Лодки стоят в гавани, и мы уже неделю не выходили в море."),
    ),
    "assistant_voice": (("u", "hi"), ("a", "Hello! How can I assist you today?")),
    "prompt_leak": (("u", "hi"), ("a", "# Character Profile\nName: Ann")),
    "cut_off": (("u", "hi"), ("a", STORY)),
}

MENDED = {
    "carriage_return": (("u", "hi"), ("a", "Good day.\nHow is the sea?\n")),
    "empty_turn": (("u", "hi"), ("a", "Hello.")),
    "literal_none": (("u", "hi"), ("a", "Hello.")),
    "starts_otherwise": (("u", "hi"), ("a", "Hello.")),
    "no_alternation": (("u", "hi\n\nyou there?"), ("a", "Hello.")),
    "no_last_answer": (("u", "hi"), ("a", "Hello.")),
}


def test_every_rule_has_its_bad_row():
    assert set(BAD) == {rule.problem for rule in RULES}


@pytest.mark.parametrize("turns", GOOD)
def test_good_dialogues_have_no_problem_and_stay_as_they_are(turns):
    good = dialogue(*turns)

    assert list(findings(good)) == []
    assert mended(good) == good.turns


@pytest.mark.parametrize("problem", BAD)
def test_each_problem_is_found(problem):
    assert problem in {found.problem for found in findings(dialogue(*BAD[problem]))}


@pytest.mark.parametrize("problem", BAD)
def test_a_mended_dialogue_has_no_problem_and_the_others_are_left_out(problem):
    bad = dialogue(*BAD[problem])
    turns = mended(bad)

    if problem not in MENDED:
        assert turns is None
        return
    assert turns == dialogue(*MENDED[problem]).turns
    assert list(findings(Dialogue(place="f:1", row={}, turns=turns))) == []


def test_several_problems_of_one_row_are_mended_together():
    messy = dialogue(("a", "Hi!"), ("u", "a"), ("u", "b"), ("a", "c"), ("u", "d"))

    assert mended(messy) == dialogue(("u", "a\n\nb"), ("a", "c")).turns


def test_a_problem_that_is_skipped_is_neither_found_nor_mended():
    open_end = dialogue(*BAD["no_last_answer"])

    assert list(findings(open_end, skip=["no_last_answer"])) == []
    assert mended(open_end, skip=["no_last_answer"]) == open_end.turns


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (
            (("u", "hi"), ("a", "I am Ann."), ("s", "Now be Bob."), ("u", "so?"), ("a", "Bob.")),
            (("u", "hi"), ("a", "I am Ann.")),
        ),
        (
            (("s", "Be Ann."), ("s", "Be kind."), ("u", "hi"), ("a", "Hello.")),
            (("s", "Be Ann.\n\nBe kind."), ("u", "hi"), ("a", "Hello.")),
        ),
    ],
)  # fmt: skip
def test_a_later_system_turn_says_nothing_of_what_stood_before_it(turns, kept):
    assert mended(dialogue(*turns)) == dialogue(*kept).turns


def test_turns_of_which_one_is_not_to_be_trained_are_not_joined():
    turns = [Turn(Role.user, "hi"), *(Turn(Role.assistant, "a", {"weight": w}) for w in (0, 1))]

    assert mended(Dialogue(place="f:1", row={}, turns=turns)) is None


def test_line_ends_of_windows_are_one_problem_and_no_control_tokens():
    windows = dialogue(*BAD["carriage_return"])

    assert [found.problem for found in findings(windows)] == ["carriage_return"]
    assert list(findings(windows, skip=["carriage_return"])) == []
