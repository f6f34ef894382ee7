"""Requests whose answer is one of a few labels, with the probability of each."""

import json
import math

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import read_answer
from opencharacter.llm.requests import Completion, Finish, Request, Sampling
from opencharacter.llm.scripted import open_scripted
from opencharacter.llm.sessions import completion_from_log
from opencharacter.records import Message, Role, to_row
from tests.llm.serving import one, serving

LABELS = ("1", "2", "3")
SERVER = ModelConfig(backend=Backend.endpoint, model="llama", base_url="http://any/v1")
GREEDY = Sampling(temperature=0, top_p=1, max_tokens=1)


def ask(text="How good?", labels=LABELS):
    message = Message(role=Role.user, content=text)
    return Request(messages=(message,), sampling=GREEDY, seed=0, labels=labels)


def body(tops, *, text="2", finish="length"):
    content = [{"top_logprobs": [{"token": t, "logprob": math.log(p)} for t, p in tops.items()]}]
    choice = {
        "message": {"content": text},
        "finish_reason": finish,
        "logprobs": {"content": content},
    }
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    return json.dumps({"model": "llama", "choices": [choice], "usage": usage})


def test_labels_are_part_of_the_key_and_their_absence_is_not():
    assert len({ask(labels=labels).key("m") for labels in (LABELS, LABELS[:2], ())}) == 3
    assert ask(labels=()).key("m") == (
        "5c95ef58822e3ca3d42ac99e1d70f99fe8b090d67ecb15d95f670e956bc711f2"
    )


def test_a_server_is_asked_for_its_likeliest_tokens():
    with serving(lambda *_: (200, body({"2": 0.5, " 2": 0.25, "1": 0.125, "I": 0.1}), {})) as (
        model,
        server,
    ):
        completion = one(model, ask())

    sent = server.bodies[0]
    assert (sent["logprobs"], sent["top_logprobs"], sent["max_tokens"]) == (True, 20, 1)
    assert completion.probabilities == pytest.approx((0.125, 0.75, 0.0))
    assert (completion.finish, completion.text) == (Finish.stop, "2")


def test_a_server_that_tells_no_probabilities_is_a_fault_of_the_set_up():
    plain = json.dumps(
        {"model": "llama", "choices": [{"message": {"content": "2"}, "finish_reason": "stop"}]}
    )

    with pytest.raises(ModelError, match=r"judge\.label_probabilities=false"):
        read_answer(plain.encode(), SERVER, labels=LABELS)


def test_an_answer_without_a_token_has_labels_of_no_probability():
    empty = json.dumps(
        {
            "model": "llama",
            "choices": [
                {
                    "message": {"content": ""},
                    "finish_reason": "stop",
                    "logprobs": {"content": []},
                }
            ],
        }
    )

    assert read_answer(empty.encode(), SERVER, labels=LABELS).probabilities == (0.0, 0.0, 0.0)


def test_probabilities_come_back_from_the_log():
    told = Completion(text="2", finish=Finish.stop, probabilities=(0.1, 0.7, 0.1))

    assert completion_from_log(json.loads(json.dumps(to_row(told)))) == told


def test_entries_of_older_logs_have_none():
    logged = to_row(Completion(text="2", finish=Finish.stop))
    del logged["probabilities"]

    assert completion_from_log(logged).probabilities is None


def test_the_script_gives_probabilities_that_hang_on_the_prompt_alone():
    model = open_scripted(ModelConfig(backend=Backend.scripted, model="scripted"))
    first, again, other = one(model, ask()), one(model, ask()), one(model, ask("How bad?"))

    assert first == again != other
    assert first.text == LABELS[first.probabilities.index(max(first.probabilities))]
    assert sum(first.probabilities) == pytest.approx(0.95)
