"""Playing a run's own characters through the whole pipeline, with scripted models."""

import json

import pytest

from opencharacter.records import Domain, EvalItem, MixtureRow, Role, Split, Transcript
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_columns, read_records


@pytest.fixture
def run_made(opencharacter, settings):
    settings |= {"personas.heldout": "0.2", "synth.methods": "[generate]", "synth.mix": "true"}
    done = opencharacter("stage=synth")
    assert done.returncode == 0, done.stderr


def folder(tmp_path, run="t"):
    return tmp_path / "runs" / run / "play"


def played(tmp_path, run="t"):
    return list(read_records(folder(tmp_path, run) / "data", Transcript))


@pytest.mark.parametrize("suite", ["in_domain", "out_of_domain", "profile_facts"])
def test_a_run_is_played_and_a_base_model_gets_the_same(opencharacter, tmp_path, run_made, suite):
    words = ("stage=play", f"suite={suite}", "suite.n=3")
    done = opencharacter(*words)
    base = opencharacter(*words, "run=base", "suite.run=t", "player.model=other")

    assert (done.returncode, base.returncode) == (0, 0), done.stderr + base.stderr
    ours, theirs = played(tmp_path), played(tmp_path, "base")
    assert {t.item_id for t in ours} == {t.item_id for t in theirs} != set()
    assert {t.model for t in theirs} == {"other@scripted"}
    manifest = json.loads((folder(tmp_path) / "manifest.json").read_text())
    assert "profiles" in manifest["inputs"]


def test_where_only_rules_score_nothing_is_said_against_a_judge(opencharacter, tmp_path, run_made):
    done = opencharacter("stage=eval", "suite=profile_facts", "suite.n=3")
    bench = json.loads((folder(tmp_path).parent / "judge" / "judges.json").read_text())

    assert done.returncode == 0, done.stderr
    assert bench["teacher"] == bench["judges"]["scripted@scripted"]  # kin, but silent
    assert bench["refusal"] == ""
    assert "no headline" not in done.stderr


def test_every_transcript_leads_back_to_a_persona_of_the_right_split(
    opencharacter, tmp_path, run_made
):
    assert opencharacter("stage=play", "suite=out_of_domain", "suite.n=4").returncode == 0
    parts = (tmp_path / "runs/t/personas/data").glob("*.parquet")
    split_of = dict(read_columns(parts, ["id", "split"]))

    items = {item.id: item for item in read_records(folder(tmp_path) / "items", EvalItem)}
    for transcript in played(tmp_path):
        assert items[transcript.item_id].persona_id == transcript.persona_id
        assert split_of[transcript.persona_id] == Split.heldout
        assert transcript.domain is Domain.outside


def test_a_character_has_the_same_system_prompt_in_training_and_in_testing(
    opencharacter, tmp_path, run_made
):
    assert opencharacter("stage=play", "suite=in_domain", "suite.n=5").returncode == 0
    rows = read_records(tmp_path / "runs/t/mix/data", MixtureRow)
    trained = {row.persona_id: row.messages[0].content for row in rows}

    for transcript in played(tmp_path):
        assert transcript.messages[0].content == trained[transcript.persona_id]


def test_a_player_trained_upon_a_run_that_is_gone_has_nobody_out_of_domain(
    opencharacter, tmp_path, run_made
):
    model = tmp_path / "runs" / "t" / "train" / "model"
    was = {"fingerprint": "0", "inputs": {}, "command": "x", "at": 0.0}
    settings = {"train": {"model": "/gone/a/train/model"}}
    write_json(model.parent / "started.json", was | {"settings": settings})
    done = opencharacter("stage=play", "suite=out_of_domain", "suite.n=2", f"player.model={model}")

    assert "was trained upon /gone/a/train/model" in done.stderr
    assert {transcript.domain for transcript in played(tmp_path)} == {Domain.unknown}


def test_facts_are_counted_at_the_end(opencharacter, tmp_path, run_made):
    done = opencharacter("stage=play", "suite=profile_facts", "suite.n=3")

    notes = json.loads((folder(tmp_path) / "manifest.json").read_text())["counts"]["notes"]
    assert notes["scores by rule"] == 2 * len(played(tmp_path)) > 60
    assert notes["to be judged"] == 0  # nothing of it goes to a judge
    assert "fact stated" in done.stderr
    assert "to be judged" not in done.stderr
    assert "Judging asks nobody" in opencharacter("stage=plan", "suite=profile_facts").stdout
    later = opencharacter("stage=plan", "judge.family=owl")  # of a run that other words have made
    assert (later.returncode, "profiles" in later.stdout) == (0, False), later.stderr


def test_retention_is_told_by_turn(opencharacter, tmp_path, run_made):
    assert opencharacter("stage=play", "suite=multi_turn", "suite.n=2").returncode == 0

    assert len(played(tmp_path)) == 2 * 5
    assert {len(t.messages) for t in played(tmp_path)} == {1 + 2 * 8, 1 + 2 * 10}
    notes = json.loads((folder(tmp_path) / "manifest.json").read_text())["counts"]["notes"]
    assert {f"fact stated at turn {n}" for n in (1, 4, 8, 10)} <= notes.keys()
    assert notes["to be judged"] == 2 * 5  # consistency is a judge's


def test_a_run_without_characters_is_told_with_the_command(opencharacter, tmp_path):
    missing = opencharacter("stage=play", "suite=in_domain", "suite.run=other")
    (tmp_path / "runs" / "other").mkdir(parents=True)
    done = opencharacter("stage=play", "suite=in_domain", "suite.run=other")
    own = opencharacter("stage=play", "suite=in_domain", "seed=3", "run=new")

    assert "there is no run 'other'" in missing.stderr
    assert done.returncode == 2
    command = "profiles is missing; first run: python -m opencharacter stage=profiles"
    assert done.stderr.endswith(f"{command} run=other runs_dir={tmp_path}/runs")
    words = "suite=in_domain seed=3 run=new"  # its own, so with all that was given
    assert own.stderr.endswith(f"{command} {words} runs_dir={tmp_path}/runs")


def test_personas_alone_are_a_control_where_there_are_profiles(opencharacter, tmp_path, run_made):
    words = ("stage=play", "suite=profile_facts", "suite.n=2", "play.controls=[persona_only]")
    assert opencharacter(*words).returncode == 0

    for transcript in played(tmp_path):
        assert "# Persona" in transcript.messages[0].content
        assert "# Character Profile" not in transcript.messages[0].content


def test_a_model_that_plays_the_user_is_logged_replayed_and_told(opencharacter, tmp_path, run_made):
    words = ("stage=play", "suite=multi_turn", "suite.n=2", "suite.items=2", "suite.user=model")
    words += ("llm@user=scripted", "user.model=guest")
    done = opencharacter(*words)
    assert done.returncode == 0, done.stderr
    first = played(tmp_path)
    assert {len(t.messages) for t in first} == {17}
    assert {item.user for item in read_records(folder(tmp_path) / "items", EvalItem)} == {
        "guest@scripted"
    }
    (folder(tmp_path) / "manifest.json").unlink()
    for part in (folder(tmp_path) / "data").iterdir():
        part.unlink()
    logged = sorted((folder(tmp_path) / "completions").iterdir())[0].read_bytes()
    assert opencharacter(*words).returncode == 0
    assert played(tmp_path) == first
    assert sorted((folder(tmp_path) / "completions").iterdir())[0].read_bytes() == logged


def test_a_plan_counts_what_either_model_is_asked(opencharacter, tmp_path, run_made):
    words = ("suite=multi_turn", "suite.n=2", "suite.items=2", "suite.user=model")
    words += ("llm@user=scripted", "user.model=guest")
    planned = opencharacter("stage=plan", *words, "player.price_output=1000")
    assert opencharacter("stage=play", *words).returncode == 0

    made = json.loads((folder(tmp_path) / "manifest.json").read_text())
    rows = {line.split()[0]: line.split() for line in planned.stdout.splitlines() if line.strip()}
    n_said = sum(m.role is Role.user for t in played(tmp_path) for m in t.messages)
    asked = int(rows["user"][1])
    assert 0 < asked < n_said == int(rows["play"][1])  # probes are nobody's to say
    assert sum(t.user_usage.calls for t in played(tmp_path)) == asked
    assert made["usage"]["calls"] == n_said + asked
    assert float(rows["user"][-1]) == asked * 128 * 1000 / 1e6


def test_a_budget_of_the_user_s_that_nobody_would_heed_is_refused(opencharacter):
    words = ("stage=play", "suite=multi_turn", "suite.user=model", "llm@user=scripted")
    done = opencharacter(*words, "user.budget_tokens=5")

    assert (done.returncode, "set those" in done.stderr) == (2, True)
