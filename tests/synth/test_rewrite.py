"""A rewritten dialogue is used only with its user turns untouched and all of its turns there."""

import json

import pytest

from opencharacter.checks.problem import Problem
from opencharacter.synth.rewrite import read_rewrite

QUESTIONS = ['Say "hi"\n\tnow.', "Привет, как дела? 👋"]


def reply(*turns):
    return json.dumps({"dialogue": [{"user": u, "assistant": a} for u, a in turns]})


def test_answers_come_back_in_order():
    text = reply((QUESTIONS[0], "Ahoy!"), (QUESTIONS[1], " Aye. "))

    assert read_rewrite(text, QUESTIONS) == ["Ahoy!", "Aye."]


def test_a_reply_in_a_code_fence_with_words_before_it_is_read():
    text = f"Here is the JSON:\n```json\n{reply(*zip(QUESTIONS, 'ab', strict=True))}\n```"

    assert read_rewrite(text, QUESTIONS) == ["a", "b"]


def test_line_ends_copied_from_the_reference_become_line_feeds():
    text = reply((QUESTIONS[0], "one\r\ntwo\rthree"), (QUESTIONS[1], "b"))

    assert read_rewrite(text, QUESTIONS) == ["one\ntwo\nthree", "b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("no json", "invalid_json", id="no JSON"),
        pytest.param('{"turns": []}', "invalid_json", id="another key"),
        pytest.param('{"dialogue": "x"}', "invalid_json", id="no list"),
        pytest.param('{"dialogue": [1, 2]}', "invalid_json", id="no turns"),
        pytest.param(reply((QUESTIONS[0], "a")), "turn_count", id="a turn too few"),
        pytest.param(
            reply((QUESTIONS[0], "a"), (QUESTIONS[1], "b"), ("more", "c")), "turn_count", id="more"
        ),
        pytest.param(
            reply((QUESTIONS[0], "a"), ("Привет", "b")), "user_turn_changed", id="changed"
        ),
        pytest.param(
            reply((QUESTIONS[0], "a"), (QUESTIONS[1], None)), "invalid_json", id="no text"
        ),
    ],
)
def test_an_unusable_rewrite_says_why(text, reason):
    problem = read_rewrite(text, QUESTIONS)

    assert isinstance(problem, Problem)
    assert problem.reason == reason
