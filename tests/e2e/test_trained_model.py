"""A small training for real: the trained model tells facts of characters that it never saw."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("vllm")
pytest.importorskip("trl")

# 20 interviews, each with 6 of some 24 characters; what the others are is asked before and after.
SMALL = (
    *("personas.n=32", "personas.heldout=0.25", "instructions.n=20", "synth.n_characters=6"),
    "teacher.threads=1",
)


def python(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Go from persona lines to a model."""
    runs = tmp_path_factory.mktemp("runs")
    python(
        *("opencharacter", "stage=all", "experiment=tiny", "run=tiny", f"runs_dir={runs}", *SMALL)
    )
    return runs / "tiny"


@pytest.fixture(scope="module")
def figures(run):
    """Ask everybody who was held out, before and after."""
    command = ("opencharacter.train.embedded", "check", "--run", str(run), "--sampling", "greedy")
    found = json.loads(python(*command, "--json"))
    return {figure["name"]: figure["hits"] / figure["n"] for figure in found}


def test_the_loss_on_characters_that_were_held_out_falls(run):
    lines = [json.loads(line) for line in (run / "train/metrics.jsonl").read_text().splitlines()]
    losses = [line["eval_characters_loss"] for line in lines if "eval_characters_loss" in line]

    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("about", ["name", "age", "birth place"])
def test_characters_never_seen_tell_their_facts_after_the_training_and_not_before(figures, about):
    assert figures[f"before: {about}"] <= 0.3
    assert figures[f"after: {about}"] >= figures[f"before: {about}"] + 0.3


def test_the_base_already_knows_how_an_answer_ends(figures):
    assert figures["before: closes its answer"] >= 0.8
    assert figures["after: closes its answer"] >= 0.9
