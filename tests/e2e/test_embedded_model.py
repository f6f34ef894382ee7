"""The shipped model through vLLM: a small version of the bars of its card."""

import json
import subprocess
import sys

import pytest

from opencharacter.train.embedded.pretrain import FOLDER

pytest.importorskip("vllm")
N = 12


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, "-m", "opencharacter.train.embedded", "check", "--json"]
    done = subprocess.run(
        [*command, "--n", str(N), "--sampling", "greedy"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: hits for name, _, hits, _ in (f.values() for f in json.loads(done.stdout))}


def test_profiles_are_valid(figures):
    assert figures["profile valid, generated personas"] >= N - 2


@pytest.mark.parametrize("about", ["name", "age", "birth_place"])
def test_facts_of_the_profile_are_answered(figures, about):
    assert figures[f"answer: {about}"] >= N - 2


def test_no_open_answer_is_cut_off_more_than_now_and_then(figures):
    assert figures["open answer closed and not empty"] >= N - 2


@pytest.mark.xfail(strict=True, reason="the model's card says by how much these are missed")
def test_the_bars_of_profiles_are_reached(figures):
    assert figures["profile valid, generated personas"] == N
    assert figures["persona carried over, generated personas"] >= 0.9 * N


def test_the_weights_are_small():
    assert (FOLDER / "model.safetensors").stat().st_size <= 16_000_000


def test_the_card_says_that_it_is_small_and_what_it_is_for():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))

    assert "not a language model for real work" in card
    assert config["architectures"] == ["LlamaForCausalLM"]
