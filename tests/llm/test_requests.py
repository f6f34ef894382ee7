from dataclasses import replace

import pytest

from opencharacter.llm.requests import Request, Sampling
from opencharacter.records import Message, Role

SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=20)
REQUEST = Request(messages=(Message(role=Role.user, content="Hello"),), sampling=SAMPLING, seed=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": (Message(role=Role.system, content="Hello"),)},
        {"messages": (Message(role=Role.user, content="Hello."),)},
        {"sampling": replace(SAMPLING, min_p=0.1)},
        {"seed": 2},
        {"schema": {"type": "object"}},
    ],
    ids=["role", "text", "sampling", "seed", "schema"],
)
def test_a_request_that_differs_has_another_key(changed):
    REQUEST.key("m@1")

    assert replace(REQUEST, **changed).key("m@1") != REQUEST.key("m@1")


def test_a_key_is_of_one_model():
    same = replace(REQUEST)

    assert REQUEST.key("m@1") != REQUEST.key("m@2")
    assert same.key("m@1") == REQUEST.key("m@1")
