"""The JSON object of a reply, however it is wrapped."""

import json

import pytest

from opencharacter.checks.problem import Problem
from opencharacter.synth.replies import find_object, plain_lines

OBJECT = {"code": "```py\nx = {1: 2}\n```", "said": 'a "brace" } {'}
WRITTEN = json.dumps(OBJECT)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(WRITTEN, id="bare"),
        pytest.param(f"\n {json.dumps(OBJECT, indent=1)}\n", id="over several lines"),
        pytest.param(f"```json\n{WRITTEN}\n```", id="fence"),
        pytest.param(f"```\n\n{WRITTEN}```", id="fence without a language"),
        pytest.param(f"Here is the JSON:\n\n```json\n{WRITTEN}\n```\nEnjoy!", id="words, fence"),
        pytest.param(f"I filled {{this}} in:\n```JSON\n{WRITTEN}\n```", id="braces, fence"),
        pytest.param(f"Here you are: {WRITTEN} Anything else?", id="words, no fence"),
    ],
)
def test_the_object_is_found_whatever_stands_around_it(reply):
    assert find_object(reply) == OBJECT


@pytest.mark.parametrize("reply", ["", "I will not.", "[1, 2]", WRITTEN[:-1], '{"a":' * 100_000])
def test_without_a_whole_object_the_json_is_invalid(reply):
    problem = find_object(reply)

    assert isinstance(problem, Problem)
    assert problem.reason == "invalid_json"


def test_every_line_ends_in_a_line_feed_alone():
    assert plain_lines("a\r\nb\rc\n\r\n") == "a\nb\nc\n\n"
