"""The shipped model through vLLM: a small version of the bars of its card."""

import json

import pytest

from opencharacter.train.embedded import check
from opencharacter.train.embedded.pretrain import FOLDER

pytest.importorskip("vllm")
N = 12


@pytest.fixture(scope="module")
def figures():
    model = check.open_model()
    measured = check.measure(model, n=N, sampling="greedy")
    model.close()
    return {figure.name: figure.hits for figure in measured}


def test_profiles_are_valid_and_carry_the_persona(figures):
    assert figures["profile valid, generated personas"] >= N - 1
    assert figures["persona carried over, generated personas"] >= N // 2


def test_facts_of_the_profile_are_answered(figures):
    assert figures["answer: age"] >= N // 2
    assert figures["answer: birth_place"] >= N // 2


def test_answers_end_and_are_not_empty(figures):
    assert figures["open answer closed and not empty"] >= N - 1


def test_rewrites_are_valid_dialogues(figures):
    assert figures["rewrite valid"] >= N - 1


def test_the_weights_are_small():
    assert (FOLDER / "model.safetensors").stat().st_size <= 16_000_000


def test_the_card_says_that_it_is_small_and_what_it_is_for():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))

    assert "not a language model for real work" in card
    assert config["architectures"] == ["LlamaForCausalLM"]
