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
    *("train.global_tokens=2048", "train.epochs=3", "teacher.threads=1"),
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
    followed = ("play.follows=true", "llm@player=trained", "player.run=tiny", "player.threads=1")
    python(
        *("opencharacter", "stage=all", "experiment=tiny", "run=tiny", f"runs_dir={runs}", *SMALL),
        *(*followed, "suite=profile_facts", "suite.who=heldout"),
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


def test_characters_never_seen_tell_their_facts_after_the_training_and_not_before(figures):
    before, after = (
        sum(figures[f"{when}: {about}"] for about in ("name", "age", "birth place"))
        for when in ("before", "after")
    )

    assert before <= 0.5  # of 3: every fact told would be 1
    assert after >= before + 0.5  # so short a training teaches a part of it


def test_the_base_already_knows_how_an_answer_ends(figures):
    assert figures["before: closes its answer"] >= 0.8


def test_what_is_learned_is_shown_of_a_finished_run(run):
    words = ("stage=tokenize", "experiment=tiny", "run=tiny", f"runs_dir={run.parent}", *SMALL)
    shown = python("opencharacter", *words, "tokenize.show=2")

    assert shown.count("⟦") >= 2


def test_the_plan_of_a_finished_training_can_be_asked_for(run):
    words = ("stage=train", "experiment=tiny", "run=tiny", f"runs_dir={run.parent}", *SMALL)

    assert "4,327,680 weights" in python("opencharacter", *words, "train.check=true")


def test_the_trained_model_is_played_and_scored_by_rule_in_the_same_command(run):
    report = json.loads((run / "report/report.json").read_text(encoding="utf-8"))

    assert report["models"][0].startswith("tiny@")
    assert set(report["characters"]) == {"out"}
    assert report["headline"]["overall"]["n"] > 20
    assert "<script" in (run / "report/report.html").read_text(encoding="utf-8")
