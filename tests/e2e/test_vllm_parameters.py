"""Requests as parameters of the real engine."""

import pytest

from opencharacter.llm.requests import Request, Sampling
from opencharacter.records import Message, Role

engine = pytest.importorskip("opencharacter.llm.vllm")


def params(**sampling):
    drawn = Sampling(**{"temperature": 0.6, "top_p": 0.95, "max_tokens": 100, **sampling})
    message = Message(role=Role.user, content="Hi")
    return engine.sampling_params(Request(messages=(message,), sampling=drawn, seed=7), room=40)


def test_an_answer_never_leaves_the_context():
    assert params().max_tokens == 40
    assert params(max_tokens=10).max_tokens == 10


def test_circles_are_looked_for_only_when_asked_to():
    assert params().repetition_detection is None
    assert params(max_repeats=16).repetition_detection.min_count == 16


def test_unlikely_tokens_are_left_out_as_asked():
    assert params().min_p == 0.0
    assert params(min_p=0.05).min_p == 0.05
