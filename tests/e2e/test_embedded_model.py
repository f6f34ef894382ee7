"""The shipped model through vLLM, one attempt each: a small version of the table on its card."""

import json
import subprocess
import sys

import pytest

from opencharacter.train.embedded.pretrain import FOLDER

pytest.importorskip("vllm")
N = 20


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, "-m", "opencharacter.train.embedded", "check", "--json"]
    done = subprocess.run(
        [*command, "--n", str(N), "--sampling", "sampled"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: hits for name, _, hits, _ in (f.values() for f in json.loads(done.stdout))}


def test_profiles_are_valid_and_carry_the_persona(figures):
    assert figures["profile valid, generated personas"] >= 0.85 * N
    assert figures["persona carried over, generated personas"] >= 0.85 * N


@pytest.mark.parametrize("about", ["name", "age", "birth_place"])
def test_facts_of_the_profile_are_answered(figures, about):
    assert figures[f"answer: {about}"] >= 0.9 * N


def test_open_answers_end_and_say_something(figures):
    assert figures["open answer closed and not empty"] == N


def test_dialogues_are_rewritten_with_what_they_say(figures):
    assert figures["rewrite valid"] >= 0.75 * N
    assert figures["rewrite keeps the reference"] >= 0.7 * N


def test_the_weights_are_small():
    assert (FOLDER / "model.safetensors").stat().st_size <= 16_000_000


def test_the_card_says_that_it_is_small_and_what_it_is_for():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))

    assert "not a language model for real work" in card
    assert config["architectures"] == ["LlamaForCausalLM"]
