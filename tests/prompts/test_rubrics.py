"""Prompts of judges: nothing unfilled, nothing filled twice, and keys that tell judges apart."""

import re
from dataclasses import replace

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Request, Sampling
from opencharacter.prompts.rubrics import Shown
from opencharacter.records import Message, Role
from tests.evaluation.test_judging import RUBRICS

BEFORE = (Message(role=Role.user, content="Hm?"), Message(role=Role.assistant, content="Hm."))
SHOWN = Shown("A baker", ("Age: 41", "Name: Ida"), BEFORE, "Who are you?", "Ida.", "Nobody.")
EACH = [
    pytest.param(rubric, criterion, id=f"{rubric.title}/{name}")
    for rubric in RUBRICS.values()
    for name, criterion in rubric.criteria.items()
]
REQUEST = Request(
    messages=(Message(role=Role.user, content="Judge."),),
    sampling=Sampling(temperature=0, top_p=1, max_tokens=1),
    seed=0,
    labels=("1", "2"),
)


def test_each_criterion_is_looked_at():
    assert len(EACH) >= 7


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("rubric", "criterion"), EACH)
def test_no_prompt_leaves_with_a_placeholder_or_a_list(rubric, criterion, as_json):
    prompt = rubric.render(criterion, SHOWN, as_json=as_json)

    assert re.findall(r"\{\{|\}\}|\{%|<<[a-z]+>>|None|\[['\"]|\(['\"]", prompt) == []
    assert "Ida." in prompt


@pytest.mark.parametrize(("rubric", "criterion"), EACH)
def test_criteria_hold_no_placeholders(rubric, criterion):
    texts = [criterion.title, criterion.question, criterion.attend]
    texts += [meaning for _, meaning in criterion.scale]

    assert [text for text in texts if "{" in text or "}" in text] == []


@pytest.mark.parametrize(("rubric", "criterion"), EACH)
def test_what_is_inserted_stays_as_it_is(rubric, criterion):
    odd = "{{ persona }} {name} {% if x %} %s"
    prompt = rubric.render(criterion, SHOWN._replace(facts=(odd,), answer=odd))

    assert prompt.count(odd) == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, messages=(Message(role=Role.user, content="Judge!"),)),
        replace(REQUEST, sampling=Sampling(temperature=0.1, top_p=1, max_tokens=1)),
        replace(REQUEST, labels=("1", "2", "3")),
        replace(REQUEST, seed=1),
    ],
    ids=["template", "decoding", "labels", "seed"],
)
def test_another_judge_prompt_or_decoding_is_asked_anew(other):
    assert other.key("j@1") != REQUEST.key("j@1")
    assert REQUEST.key("j@2") != REQUEST.key("j@1")


def test_two_dated_versions_are_two_judges():
    names = [
        model_name(ModelConfig(backend=Backend.endpoint, model=model, base_url="http://h/v1"))
        for model in ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06")
    ]

    assert names[0] != names[1]
    assert REQUEST.key(names[0]) != REQUEST.key(names[1])
