import json
from email.utils import formatdate
from time import time

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import (
    OTHER_MODEL,
    PassingError,
    is_same_model,
    read_answer,
    retry_after_s,
)

HEADERS = {
    "none": (None, None),
    "seconds": ("30", 30),
    "half seconds": (" 0.5 ", 0.5),
    "a hundred years": ("3153600000", 3153600000),
    "too many digits": ("9" * 200, float("9" * 200)),
    "negative": ("-5", None),
    "a word": ("soon", None),
    "nothing": ("", None),
    "infinite": ("inf", None),
    "a date gone by": ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    "a date without a zone": ("Wed, 21 Oct 2015 07:28:00", 0),
    "no such day": ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    "no such year": ("Wed, 21 Oct 99999 07:28:00 GMT", None),
}


@pytest.mark.parametrize(("header", "seconds"), HEADERS.values(), ids=HEADERS)
def test_retry_after_is_seconds_or_a_date_or_nothing(header, seconds):
    assert retry_after_s(header) == seconds


def test_a_date_to_come_is_the_seconds_until_then():
    found = retry_after_s(formatdate(time() + 100, usegmt=True))

    assert found is not None
    assert 98 < found <= 100


@pytest.mark.parametrize(
    ("asked", "said", "is_same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", False),
        ("gpt-4o-mini", "gpt-4o", False),
        ("gpt-4", "gpt-4-0613", True),
        ("gpt-4", "gpt-4.1", False),
        ("gpt-4", "gpt-4-32k", False),
        ("qwen2", "qwen2.5", False),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama-3-8b-instruct", True),
        ("llama3", "llama3:8b", False),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", True),
        ("/models/llama", "llama", True),
    ],
)
def test_an_alias_may_answer_as_one_of_its_versions(asked, said, is_same):
    assert is_same_model(asked, said) == is_same


def body(model, usage):
    choice = {"message": {"content": "Good day."}, "finish_reason": "stop"}
    return json.dumps({"model": model, "choices": [choice], "usage": usage}).encode()


def config(**settings):
    return ModelConfig(backend=Backend.endpoint, model="llama", base_url="http://x/v1", **settings)


USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def test_another_models_answer_is_not_taken_but_its_tokens_count():
    with pytest.raises(PassingError, match="'mistral' instead of 'llama'") as caught:
        read_answer(body("mistral", USAGE), config())

    assert caught.value.kind == OTHER_MODEL
    assert (caught.value.spent.prompt_tokens, caught.value.spent.output_tokens) == (7, 3)


def test_a_deployment_may_have_a_name_of_its_own():
    answer = read_answer(body("mistral", USAGE), config(answers_as="mistral"))

    assert answer.text == "Good day."


def test_a_server_that_names_no_model_is_believed():
    assert read_answer(body(None, USAGE), config()).text == "Good day."


def test_a_budget_needs_a_server_that_counts_tokens():
    assert read_answer(body("llama", None), config()).output_tokens == 0

    with pytest.raises(ModelError, match="does not say how many tokens"):
        read_answer(body("llama", None), config(budget_tokens=100))
