"""Whole stages against a server with every fault: nothing lost, nothing doubled, true reasons."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from opencharacter.records import Rejection, Response
from opencharacter.store.rows import read_records
from tests.faults import Fault, serving_faults

POISON = {  # instructions that no try answers, and the reason that is true of them
    "always fails": "engine_error",
    "is filtered": "content_filter",
    "is too long": "prompt_too_long",
    "is cut off": "truncated",
}
pytestmark = pytest.mark.slow

QUICK = ("teacher.timeout_s=1", "teacher.max_retries=3", "teacher.seats=16", "parts=4")


@pytest.fixture
def instructions_file(tmp_path: Path) -> Path:
    """Write 60 instructions of two turns, and one for each kind of poison."""
    path = tmp_path / "tasks.jsonl"
    rows = [
        {"conversations": [f"Add {n} and 1.", str(n + 1), f"And {n} and 2?", str(n + 2)]}
        for n in range(60)
    ]
    rows += [{"conversations": [f"Say what {words}.", "It is."]} for words in POISON]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def by_key(run: Path) -> dict[str, Response]:
    """Return the responses of a run by instruction and character."""
    found = list(read_records(run / "generate" / "data", Response))
    assert len({(r.instruction_id, r.character_id) for r in found}) == len(found)
    return {f"{r.instruction_id}/{r.character_id}": r for r in found}


def logged_keys(run: Path) -> list[str]:
    """Return the keys of the logged answers of `generate`."""
    logs = (run / "generate" / "completions").glob("*.jsonl")
    return [json.loads(line)["key"] for log in logs for line in log.read_bytes().splitlines()]


def test_three_faults_in_ten_cost_no_record_and_double_none(opencharacter, tmp_path):
    runs = tmp_path / "runs"
    with serving_faults() as calm:
        for stage in ("personas", "instructions", "profiles"):
            assert opencharacter(f"stage={stage}", "run=calm", *calm.teacher).returncode == 0
        shutil.copytree(runs / "calm", runs / "rough")
        done = opencharacter("stage=generate", "run=calm", *calm.teacher, *QUICK)
        assert done.returncode == 0, done.stderr
    with serving_faults(share=0.3, seed=1) as rough:
        done = opencharacter("stage=generate", "run=rough", *rough.teacher, *QUICK)
        assert done.returncode == 0, done.stderr

    expected, found = by_key(runs / "calm"), by_key(runs / "rough")
    met = Counter(fault for tries in rough.met.values() for fault in tries)
    assert set(met) == {None, *Fault}  # each kind of fault was there
    assert found.keys() == expected.keys()
    assert len(found) == 180
    # A record's id hangs on its first call: the same seed wherever that was answered well.
    for key, response in found.items():
        was_answered = None in rough.met[expected[key].call.seed]
        assert (response.id == expected[key].id) == was_answered
        assert all(message.content for message in response.messages)
    assert len(set(logged_keys(runs / "rough"))) == len(logged_keys(runs / "rough"))


def test_what_no_try_answers_is_rejected_with_the_true_reason(opencharacter, tmp_path):
    with serving_faults(share=0.3, seed=2) as server:
        done = opencharacter("stage=synth", *server.teacher, *QUICK, "synth.methods=[generate]")
    assert done.returncode == 0, done.stderr

    folder = tmp_path / "runs" / "t" / "generate"
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert counts["rejected"] == dict.fromkeys(POISON.values(), 3)  # of three characters each
    assert (counts["in"], counts["out"]) == (192, 180)
    details = {r.reason: r.detail for r in read_records(folder / "rejected", Rejection)}
    assert details["engine_error"] == "HTTP 500: out of memory (given up after 4 tries)"
    assert details["prompt_too_long"] == "maximum context length is 10 tokens"


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (401, "refuses the key (HTTP 401: it is broken); export OPENAI_API_KEY=<your key>"),
        (404, "knows no model 'scripted' (HTTP 404: it is broken); it serves scripted"),
        (500, " with 'HTTP 500' (last: HTTP 500: "),  # of its own now and then, before it breaks
    ],
)
def test_a_set_up_that_breaks_stops_the_run_and_the_same_command_goes_on(
    status, complaint, opencharacter, tmp_path
):
    with serving_faults() as server:
        command = ("stage=synth", *server.teacher, "synth.methods=[generate]", "teacher.seats=8")
        quick = ("teacher.max_retries=1", "instructions.n=20")
        server.breaks_after, server.broken_status = 100, status
        stopped = opencharacter(*command, *quick)
        assert stopped.returncode == 2
        assert complaint in stopped.stderr
        logged = len(logged_keys(tmp_path / "runs" / "t"))

        server.breaks_after = None
        done = opencharacter(*command, *quick)

    assert done.returncode == 0, done.stderr
    assert logged >= 20
    # Asked for twice: at most what was under way when the run was stopped, as after a kill.
    assert sum(len(tries) - 1 for tries in server.met.values()) <= 10
    rejected = read_records(tmp_path / "runs/t/generate/rejected", Rejection)
    assert not [rejection for rejection in rejected if "it is broken" in rejection.detail]
