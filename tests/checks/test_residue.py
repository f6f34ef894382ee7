import pytest

from opencharacter.checks.residue import template_residue, without_residue


@pytest.mark.parametrize(
    ("answer", "bare"),
    [
        ("<think>The user wants bread.</think>\n\nI bake.", "I bake."),
        ("The user wants bread.\n</think>\n\nI bake.", "I bake."),
        ("Assistant: Hello.", "Hello."),
        ("**Assistant:** Hello.", "Hello."),
        ("GPT: Hello.", "Hello."),
        ("### Response:\nHello.", "Hello."),
        ("<think>\n</think>ChatGPT: Hello.", "Hello."),
    ],
)
def test_thoughts_and_labels_in_front_are_seen_and_taken_away(answer, bare):
    assert template_residue(answer, "Hi.") is not None
    assert without_residue(answer) == bare


@pytest.mark.parametrize(
    "answer",
    [
        "<think>The user wants bread, so I should",
        "I bake.\n\n### Instruction:\nAdd 1 and 2.",
        "<nooutput>",
    ],
)
def test_what_cannot_be_taken_away_is_seen(answer):
    assert template_residue(answer, "Hi.") is not None
    assert without_residue(answer) == answer


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("I think: he is right.", "Is he?"),
        ("My assistant: a girl of ten.", "Who helps you?"),
        ("Assistants: three. Guests: ten.", "Who was there?"),
        ("Assistant: Hello.\nGuest: Hi.", "Write a short dialogue."),
        ("### Response times\nThey are long.", "How is the server?"),
        ("<think> opens it.", "What does <think> do?"),
        ("## Input\nNumbers.", "Show me."),
        ("", "Hi."),
    ],
)
def test_other_answers_pass_and_stay(answer, question):
    assert template_residue(answer, question) is None
