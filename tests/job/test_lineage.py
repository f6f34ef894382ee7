import json
import shutil

import pytest

from opencharacter.config import ModelConfig, SuiteConfig, SuiteName, Who
from opencharacter.errors import StoreError
from opencharacter.evaluation.retention import read_retention
from opencharacter.evaluation.suites import load_suite
from opencharacter.ids import stable_fraction
from opencharacter.job.forgetting import AFTER, BEFORE, FACT, ROWS, with_losses
from opencharacter.job.lineage import TOKENS, lineage_of, trainings_of
from opencharacter.llm.opening import model_name
from opencharacter.records import Checkpoint, Method, MixtureRow
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records
from tests.evaluation.people import ANNA, BEN, CLEO, PEOPLE, finish, train, write_run


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


def test_the_facts_of_a_training_are_what_it_was_shown_and_not_its_mixture(tmp_path):
    run = write_run(tmp_path / "main")
    shown, held = sorted((BEN, ANNA), key=lambda who: -stable_fraction("holdout", 0, who.cluster))
    train(run, [ANNA, BEN], held=[held])
    started(tmp_path / "asked" / "play", player={"model": str(run / "train" / "model")})
    finish(run / "tokenize", notes={"tokens": 4})  # of all rows

    facts = {"characters": 1, "rows": 1, "held_out": "dialogues: 1; whole characters: 1"}
    assert shown != held
    assert lineage_of(tmp_path / "asked").facts == facts | {"method": "generate"}
    started_file = run / "train" / "started.json"
    kept_settings = json.loads(started_file.read_text())
    finish(run / "train", notes={TOKENS: 2})
    started_file.write_text(json.dumps(kept_settings))
    assert lineage_of(tmp_path / "asked").facts["tokens"] == 2


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
    lost = {"trained_before": "in runs/main/train/model, and not known"}
    assert lineage_of(evaluated) == ({}, lost)


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
    suite = with_losses(
        read_retention(SuiteConfig(name=SuiteName.retention)), trained_in, str(player)
    )
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


def test_another_checkpoint_is_told_its_own_losses_or_none(tmp_path):
    run = tmp_path / "main"
    trained_run(run, loss=2.25, before={"eval_forgetting_loss": 2.5})
    with (run / "train" / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"step": 1, "eval_forgetting_loss": 2.75}\n{"step": 3, "loss": 1.0}\n')
    folder = run / "train" / "checkpoints"
    losses = [played(tmp_path / str(n), folder / f"checkpoint-{n}", run) for n in (1, 3)]

    assert losses == [{BEFORE: 2.5, AFTER: after, ROWS: 3} for after in (2.75, None)]
    assert "2.5000 before and not measured after" in lineage_of(tmp_path / "3").facts[FACT]


def test_weights_that_the_training_did_not_measure_are_told_nothing_of_it(tmp_path):
    run = tmp_path / "main"
    trained_run(run, loss=2.25, before={"eval_forgetting_loss": 2.5})

    assert played(tmp_path / "other", run / "train" / "gguf", run) == {}
    told = lineage_of(tmp_path / "other").facts[FACT]
    assert told == (
        "none, for the player is not the model that the training of run main kept; "
        "stage=loss measures any"
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


def trained_upon(runs, name, base, *, called="base@1", met=(), people=PEOPLE):
    """Write a run that trained upon `base`; return its model's folder, which has no weights."""
    run_dir = write_run(runs / name, met=met, people=people)
    started(run_dir / "train", versions={"base": called}, train={"model": str(base)})
    started(run_dir / "generate", versions={"model": f"teacher-{name}@1"})
    return run_dir / "train" / "model"


def domains(player, asked, suite=SuiteName.profile_facts):
    """Return the domain of everybody who is asked, by first name, as play tells it."""
    trained = trainings_of(str(player), asked)
    config, also = SuiteConfig(name=suite, who=Who.all), trained.besides(asked)
    found = load_suite(config, asked, also, knows_all=not trained.lost)
    names = {one.persona_id: one.name.split()[0] for one in PEOPLE}
    return {names[item.persona_id]: str(item.domain) for item in found.items}


def test_whom_an_earlier_training_met_is_not_out_of_domain_however_long_ago(tmp_path):
    first = trained_upon(tmp_path, "a", "llama-8b", met=[(CLEO, 0)])
    second = trained_upon(tmp_path, "b", first, met=[(BEN, 0)])
    last = trained_upon(tmp_path, "c", second, met=[(ANNA, 0)])

    assert domains(last, tmp_path / "c") == {"Anna": "in", "Ben": "in", "Cleo": "in", "Dan": "out"}
    with pytest.raises(StoreError, match=r"mixture \S+/c/mix or \S+/b/mix or \S+/a/mix: Cleo"):
        domains(last, tmp_path / "c", SuiteName.out_of_domain)


def test_bases_and_teachers_are_those_of_all_trainings(tmp_path):
    first = trained_upon(tmp_path, "a", "llama-8b", called="llama-8b@1", met=[(CLEO, 0)])
    last = trained_upon(tmp_path, "b", first, called="model@0123", met=[(ANNA, 0), (BEN, 0)])
    started(tmp_path / "asked" / "play", player={"model": str(last)})
    found = lineage_of(tmp_path / "asked")

    assert found.made_by == {
        "llama-8b@1": "the base model's",
        "teacher-a@1": "the teacher's",
        "teacher-b@1": "the teacher's",
    }
    assert found.facts == {"characters": 3, "rows": 3, "method": "generate"}


def test_upon_a_run_that_is_gone_nobody_is_known_to_be_out_of_domain(tmp_path):
    last = trained_upon(tmp_path, "b", "runs/gone/train/model", called="model@9", met=[(ANNA, 0)])
    started(tmp_path / "asked" / "play", player={"model": str(last)})

    told = {"Anna": "in", "Ben": "unknown", "Cleo": "unknown", "Dan": "unknown"}
    assert domains(last, tmp_path / "b") == told
    assert set(domains(last, tmp_path / "b", SuiteName.out_of_domain).values()) == {"unknown"}
    facts = lineage_of(tmp_path / "asked").facts
    assert facts["trained_before"] == "in runs/gone/train/model, and not known"


def test_upon_a_run_that_has_trained_another_since_nobody_is_either(tmp_path):
    first = trained_upon(tmp_path, "a", "llama-8b", met=[(ANNA, 1)])
    first.mkdir()
    (first / "model.safetensors").write_bytes(b"weights")
    name = model_name(ModelConfig(model=str(first)))
    last = trained_upon(tmp_path, "b", first, called=name, met=[(ANNA, 0)])
    was = domains(last, tmp_path / "b")
    (first / "model.safetensors").write_bytes(b"others")

    assert (was["Cleo"], domains(last, tmp_path / "b")["Cleo"]) == ("out", "unknown")


def test_upon_a_copy_of_a_run_s_model_nobody_is_either_and_a_link_is_followed(tmp_path):
    first = trained_upon(tmp_path, "a", "llama-8b", met=[(CLEO, 1)])
    first.mkdir()
    (first / "model.safetensors").write_bytes(b"weights")
    (first / "README.md").write_text("---\ntags:\n- opencharacter\n- role-play\n---\n")
    name = model_name(ModelConfig(model=str(first)))
    copy, link = tmp_path / "copy", tmp_path / "link"
    shutil.copytree(first, copy)
    link.symlink_to(first)
    last = [trained_upon(tmp_path, f"of-{base.name}", base, called=name) for base in (copy, link)]

    assert trainings_of(str(last[0]), tmp_path).lost == str(copy)
    found = trainings_of(str(last[1]), tmp_path)
    assert ([run.name for run in found.runs], found.lost) == (["of-link", "a"], "")


def test_runs_that_trained_upon_one_another_come_to_an_end(tmp_path):
    second = tmp_path / "b" / "train" / "model"
    first = trained_upon(tmp_path, "a", second, met=[(ANNA, 1)])
    trained_upon(tmp_path, "b", first, met=[(ANNA, 0)])
    found = trainings_of(str(second), tmp_path / "b")

    assert found == ((tmp_path / "b", tmp_path / "a"), str(second))


def test_a_base_from_elsewhere_is_the_end_of_it(tmp_path):
    for base in ("embedded_base", "meta-llama/Llama-3.1-8B", "/models/llama-8b"):
        last = trained_upon(tmp_path, "b", base, met=[(ANNA, 0)])

        assert trainings_of(str(last), tmp_path / "b") == ((tmp_path / "b",), "")
    assert domains(last, tmp_path / "b")["Cleo"] == "out"
