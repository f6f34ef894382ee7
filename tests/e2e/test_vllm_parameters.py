"""Requests as parameters of the real engine."""

import pytest

from opencharacter.errors import ModelError
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


class Words:
    """A tokenizer whose tokens are listed."""

    name_or_path = "words"
    tokens = ("1", "2", " 2", " ", "ye", "s")

    def encode(self, text, *, add_special_tokens):
        ids = []
        while text:
            piece = max((t for t in self.tokens if text.startswith(t)), key=len)
            ids.append(self.tokens.index(piece))
            text = text.removeprefix(piece)
        return ids

    def decode(self, ids):
        return "".join(self.tokens[id_] for id_ in ids)


def test_a_label_is_its_token_with_white_space_or_without():
    assert engine.label_tokens(Words(), ("1", "2")) == ((0,), (1, 2))


def test_a_label_of_several_tokens_is_refused_with_what_to_do():
    with pytest.raises(ModelError, match=r"yes are not single tokens of words.*=false"):
        engine.label_tokens(Words(), ("1", "yes"))


def test_labels_are_steered_to_by_their_tokens_not_by_a_grammar():
    message = Message(role=Role.user, content="Hi")
    drawn = Sampling(temperature=0, top_p=1, max_tokens=100)
    request = Request(messages=(message,), sampling=drawn, seed=7, labels=("1", "2"))
    asked = engine.sampling_params(request, 40, ((0,), (1, 2)))

    assert asked.allowed_token_ids == asked.logprob_token_ids == [0, 1, 2]
    assert (asked.max_tokens, asked.structured_outputs) == (1, None)
