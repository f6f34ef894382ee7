import json

from opencharacter.config import ModelConfig, SuiteConfig, SuiteName
from opencharacter.evaluation.retention import read_retention
from opencharacter.job.forgetting import AFTER, BEFORE, FACT, ROWS, with_losses
from opencharacter.job.lineage import lineage_of
from opencharacter.llm.opening import model_name
from opencharacter.records import Checkpoint, Method, MixtureRow
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records
from tests.evaluation.people import finish


def started(folder, **settings):
    names = {"fingerprint": "0", "inputs": {}, "command": "x", "at": 0.0}
    write_json(folder / "started.json", names | {"settings": settings})


def row(number, character, method=Method.rewrite):
    return MixtureRow(
        response_id=f"response-{number}",
        character_id=character,
        instruction_id="instruction-1",
        persona_id="persona-1",
        render_version="1",
        messages=(),
        source="lima",
        method=method,
        draw=0,
        weight=1.0,
        licence="none",
    )


def test_a_checkpoint_leads_back_to_its_base_its_teachers_and_its_data(tmp_path):
    trained, evaluated = tmp_path / "main", tmp_path / "main-out"
    started(trained / "train", versions={"base": "llama-8b@1"})
    started(trained / "generate", versions={"model": "qwen-72b@2"})
    started(evaluated / "play", player={"model": str(trained / "train" / "model")})
    rows = [row(0, "a"), row(1, "a"), row(2, "b"), row(3, "")]  # the last is replayed
    write_records(trained / "mix" / "data" / "part-00000-of-00001.parquet", MixtureRow, rows)

    found = lineage_of(evaluated)

    assert found.made_by == {"llama-8b@1": "the base model's", "qwen-72b@2": "the teacher's"}
    assert found.facts == {"characters": 2, "rows": 4, "method": "rewrite"}


def test_runs_that_were_moved_together_know_each_other_by_the_weights(tmp_path):
    trained, evaluated = tmp_path / "moved" / "main", tmp_path / "moved" / "gym"
    weights = trained / "train" / "model" / "model.safetensors"
    started(trained / "train", versions={"base": "llama-8b@1"})
    finish(trained / "tokenize", notes={"tokens": 4096})
    write_records(
        trained / "mix" / "data" / "part-00000-of-00001.parquet", MixtureRow, [row(0, "a")]
    )
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    name = model_name(ModelConfig(model=str(weights.parent)))
    was = {"player": {"model": "runs/main/train/model"}, "versions": {"model": name}}
    started(evaluated / "play", **was)

    known = {"characters": 1, "rows": 1, "tokens": 4096, "method": "rewrite"}
    assert lineage_of(evaluated) == ({"llama-8b@1": "the base model's"}, known)
    weights.write_bytes(b"others, trained again")
    assert lineage_of(evaluated) == ({}, {})


def kept(loss):
    return Checkpoint(
        mixture="0", base="llama-8b@1", settings="0", code="0", path="model", step=2, epoch=1.0,
        chosen="the last", train_loss=1.0, character_loss=None, dialogue_loss=None,
        forgetting_loss=loss, licence="mit",
    )  # fmt: skip


def trained_run(run_dir, *, loss, before):
    """Write a training that held 3 general rows out."""
    train = run_dir / "train"
    started(train, versions={"base": "llama-8b@1"})
    finish(train, notes={"general rows held out": 3})
    write_records(train / "data" / "part-00000-of-00001.parquet", Checkpoint, [kept(loss)])
    lines = [{"step": 0, **before}, {"step": 2, "eval_forgetting_loss": loss}]
    (train / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def played(run_dir, player, trained_in, name=SuiteName.retention):
    """Write what play leaves of a suite beside its transcripts."""
    suite = with_losses(read_retention(SuiteConfig(name=SuiteName.retention)), trained_in)
    started(run_dir / "play", player={"model": str(player)})
    about = dict(suite.about)
    write_json(run_dir / "play" / "suite.json", {"suite": f"{name}@1", "about": about})
    return about


def test_what_training_cost_on_general_instructions_stands_beside_retention(tmp_path):
    run = tmp_path / "main"
    trained_run(run, loss=2.25, before={"eval_forgetting_loss": 2.5})
    about = played(tmp_path / "asked", run / "train" / "model", run)
    # A later training of that run is not what was played.
    trained_run(run, loss=9.0, before={"eval_forgetting_loss": 9.0})

    assert about == {BEFORE: 2.5, AFTER: 2.25, ROWS: 3}
    assert lineage_of(tmp_path / "asked").facts[FACT] == (
        "2.5000 before and 2.2500 after, in nats a token, "
        "on 3 rows held out by the training of run main"
    )


def test_where_no_loss_was_measured_retention_says_so(tmp_path):
    run = tmp_path / "main"
    trained_run(run, loss=None, before={})
    played(tmp_path / "asked", run / "train" / "model", run)
    played(tmp_path / "base", "meta-llama/Llama-3.1-8B-Instruct", None)
    played(tmp_path / "other", "meta-llama/Llama-3.1-8B-Instruct", None, SuiteName.persona_gym)

    (tmp_path / "broken" / "play").mkdir(parents=True)
    (tmp_path / "broken" / "play" / "suite.json").write_text('{"suite": "retention@1", "about": 3}')

    assert lineage_of(tmp_path / "broken").facts == {}  # the report says what is wrong with it
    facts = [lineage_of(tmp_path / name).facts for name in ("asked", "base", "other")]
    assert "held no general rows out" in facts[0][FACT]
    assert facts[1:] == [{FACT: "none, for the player was not trained here"}, {}]


def test_a_model_from_elsewhere_has_no_lineage_here(tmp_path):
    started(tmp_path / "base" / "play", player={"model": "meta-llama/Llama-3.1-8B-Instruct"})
    started(tmp_path / "base" / "generate", versions={"model": "qwen-72b@2"})

    assert lineage_of(tmp_path / "base") == ({}, {})
