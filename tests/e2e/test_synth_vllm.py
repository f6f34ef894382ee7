"""The main job on the real vLLM engine and the embedded model, killed once in the middle."""

import json
import signal
import time

import pytest

from opencharacter.config import Backend
from opencharacter.llm.opening import engine_name
from opencharacter.records import Character, MixtureRow, Response
from opencharacter.store.rows import read_records

pytest.importorskip("vllm")

OVERRIDES = (
    "stage=synth",
    "llm@teacher=embedded",
    "personas=embedded",
    "instructions=embedded",
    "personas.n=24",
    "instructions.n=10",
    "personas.path=embedded",
    "instructions.paths=[embedded]",
    "parts=2",
    "generate.fact_check=reject",  # the embedded model cannot judge, and must lose nothing by it
)
LIMIT_S = 400


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def settings(runs):
    return {"run": "t", "runs_dir": str(runs), "synth.methods": "[rewrite,generate]"}


def logged(run):
    logs = sorted(run.glob("*/completions/*.jsonl"))
    return [line for path in logs for line in path.read_bytes().splitlines()]


def test_a_killed_run_goes_on_and_adds_up(start_process, runs):
    run = runs / "t"
    first = start_process(*OVERRIDES)
    while len(logged(run)) < 8 and first.poll() is None:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = logged(run)
    second = start_process(*OVERRIDES)
    out, complaint = second.communicate(timeout=LIMIT_S)

    assert second.returncode == 0, complaint
    keys = [json.loads(line)["key"] for line in logged(run)]
    assert len(before) >= 8
    assert len(keys) == len(set(keys))
    for stage in ("personas", "instructions", "profiles", "rewrite", "generate"):
        counts = json.loads((run / stage / "manifest.json").read_text())["counts"]
        rejected = sum(counts["rejected"].values())
        assert counts["in"] == counts["out"] + rejected + counts["not_drawn"], stage
    assert "Sample (rewrite)" in out
    assert str(run / "generate") in out


def test_what_the_model_wrote_is_there(opencharacter, runs):
    run = runs / "t"
    characters = list(read_records(run / "profiles" / "data", Character))
    responses = list(read_records(run / "generate" / "data", Response))
    mixed = opencharacter("stage=mix", "mix.n_characters=2")

    mixture = list(read_records(run / "mix" / "data", MixtureRow))

    assert mixed.returncode == 0, mixed.stderr
    assert len(characters) >= 22
    assert all(c.profile.startswith(f"Name: {c.name}\nAge: {c.age}\n") for c in characters)
    assert all(m.content for r in responses for m in r.messages)
    assert all(r.finish_reasons == ("stop",) * (len(r.messages) // 2) for r in responses)
    assert all(r.usage.calls > len(r.messages) // 2 for r in responses)  # and one for the verdict
    assert mixture
    assert all(row.messages[0].role == "system" for row in mixture)
    assert {c.call.engine for c in characters} == {engine_name(Backend.vllm)}
