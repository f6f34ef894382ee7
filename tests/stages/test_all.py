"""From personas to a trained model in one command: checked whole before, done once, in order."""

import json
from pathlib import Path

import pytest

from opencharacter.records import Checkpoint, MixtureRow, Persona, Split, Tokens
from opencharacter.store.rows import read_records

pytest.importorskip("trl")

STAGES = ("personas", "instructions", "profiles", "rewrite", "generate", "mix", "tokenize", "train")
SMALL = (
    *(
        "stage=all",
        "synth.n_characters=1",
        "train.max_length=1024",
        "train.device_tokens=1024",
        "train.model=embedded",
    ),
    *("train.global_tokens=8192", "train.epochs=1", "tokenize.max_length=1024"),
)
EARLY = {
    "a check nobody knows": (["generate.reject=[foo]"], "foo"),
    "a suite that is not there": (["mix.suites=[/nothere]"], "/nothere"),
    "more characters than are made": (["mix.n_characters=5"], "mix.n_characters"),
    "a model that is not there": (["train.model=/no/model"], "there is no folder /no/model"),
    "an argument TRL does not know": (["train.sft={weight_decai: 0.1}"], "weight_decay"),
    "a step the rows do not fill": (["train.global_tokens=5000"], "train.global_tokens=5,000"),
    "a test of another model": (["play.follows=true"], "llm@player=trained player.run=t"),
    "a test in many processes": (
        ["play.follows=true", "llm@player=trained", "player.run=t", "player.data_parallel=2"],
        "player.data_parallel is 2",
    ),
    "dialogues longer than a row": (["tokenize.max_length=1500"], "tokenize.max_length=1024"),
    "a template of other tokens": (["tokenize.template=mistral"], "mistral"),
}


def manifest(tmp_path: Path, stage: str) -> dict:
    return json.loads((tmp_path / "runs" / "t" / stage / "manifest.json").read_text())


@pytest.fixture
def done(opencharacter):
    """Do everything once."""
    done = opencharacter(*SMALL, "personas.heldout=0.5")
    assert done.returncode == 0, done.stderr
    return done


def test_every_stage_reads_what_the_one_before_has_written(done, tmp_path, opencharacter):
    made = {stage: manifest(tmp_path, stage) for stage in STAGES}

    assert made["mix"]["counts"]["in"] == sum(
        made[stage]["counts"]["out"] for stage in ("rewrite", "generate")
    )
    assert made["tokenize"]["inputs"] == {"mix": made["mix"]["output"]}
    assert made["train"]["inputs"] == {"tokenize": made["tokenize"]["output"]}
    assert (tmp_path / "runs/t/train/model/model.safetensors").exists()
    assert "mix" in done.stdout

    again = opencharacter(*SMALL, "personas.heldout=0.5")

    assert again.returncode == 0
    assert {stage: manifest(tmp_path, stage) for stage in STAGES} == made


def test_no_held_out_persona_is_trained_on(done, tmp_path):
    run = tmp_path / "runs" / "t"
    personas = read_records(run / "personas" / "data", Persona)
    heldout = {persona.id for persona in personas if persona.split is Split.heldout}
    mixed = {row.id: row for row in read_records(run / "mix" / "data", MixtureRow)}
    tokens = list(read_records(run / "tokenize" / "data", Tokens))

    (checkpoint,) = read_records(run / "train" / "data", Checkpoint)

    assert len(heldout) > 10
    assert not heldout & {row.persona_id for row in mixed.values()}
    assert {each.row_id for each in tokens} <= set(mixed)
    assert checkpoint.mixture == manifest(tmp_path, "tokenize")["output"]


@pytest.mark.parametrize(("given", "said"), EARLY.values(), ids=EARLY)
def test_nothing_is_done_before_it_is_told(opencharacter, tmp_path, given, said):
    refused = opencharacter(*SMALL, *given)

    assert refused.returncode == 2
    assert said in refused.stderr
    assert not (tmp_path / "runs").exists()
