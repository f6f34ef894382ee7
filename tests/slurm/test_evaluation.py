"""An evaluation on a real SLURM: arrays that play, qualify and judge, and lose tasks on the way."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.evaluation.gym import write_gym
from tests.servers import serving
from tests.slurm.cluster import is_over, job_states, wait_until

PEOPLE = [f"A {age}-year-old {job}" for age in (20, 40) for job in ("baker", "sailor", "nurse")]
N_ANSWERS = len(PEOPLE) * 5 * 2  # tasks, questions
SEATS = 2


@pytest.fixture
def server():
    with serving(delay_s=0.2) as server:
        yield server


@pytest.fixture
def evaluated(settings, server, tmp_path):
    """Return a run's settings: a server plays and is one of two judges."""
    address = server.teacher[1].partition("=")[2]
    asked = f"backend:endpoint,base_url:'{address}',seats:{SEATS},label_probabilities:false"
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", PEOPLE, n=2)),
        "suite.questions": "2",
        "llm@player": "endpoint",
        "player.base_url": address,
        "player.model": "crow",
        "player.seats": str(SEATS),
        "judge.jurors": f"{{owl:{{{asked},model:owl}},elk:{{backend:scripted,model:elk}}}}",
        "judge.jury": "[owl,elk]",
        "qualify.n": "5",
        "qualify.least_detected": "0",  # a script finds faults by chance
        "qualify.least_kept": "0",
        "qualify.least_scored": "0",
        "parts": "12",
    }
    return settings


@pytest.fixture
def submit(evaluated, start_process):
    """Return a function that submits a command and returns the ids of its jobs by stage."""

    def submit(*given: str) -> dict[str, str]:
        process = start_process("slurm=cluster", "slurm.cpus=1", "slurm.array=2", *given)
        out, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        return dict(line.split(": job ") for line in out.splitlines() if ": job " in line)

    return submit


def holders(run, stage):
    """Return the processes that have claims on a stage."""
    claims = []
    for path in (run / stage / "claims").glob("*.json"):
        with suppress(FileNotFoundError):  # it was let go of meanwhile
            claims.append(json.loads(path.read_text()))
    return sorted({claim["pid"] for claim in claims})


def task_of(pid):
    """Return the array's task that a process belongs to."""
    words = Path(f"/proc/{pid}/environ").read_text().split("\0")
    known = dict(word.split("=", 1) for word in words if "=" in word)
    return f"{known['SLURM_ARRAY_JOB_ID']}_{known['SLURM_ARRAY_TASK_ID']}"


def counts(run, stage):
    found = json.loads((run / stage / "manifest.json").read_text())["counts"]
    return found["in"], found["out"], found["rejected"]


def report(run):
    return json.loads((run / "report" / "report.json").read_text())


def test_an_evaluation_that_loses_tasks_reports_what_one_process_would(
    cluster, submit, opencharacter, server, tmp_path
):
    run = tmp_path / "runs" / "t"
    play = submit("stage=play")["play"]
    wait_until(lambda: holders(run, "play"), "a task plays", 120)
    subprocess.run(["scontrol", "requeue", task_of(holders(run, "play")[0])], check=True)
    qualify = submit("stage=qualify", f"slurm.sbatch=['--dependency=afterok:{play}']")["qualify"]
    first = submit("stage=eval", f"slurm.sbatch=['--dependency=afterok:{qualify}']")
    wait_until(lambda: holders(run, "judge-owl"), "a task judges", 120)
    os.kill(holders(run, "judge-owl")[0], signal.SIGKILL)
    wait_until(lambda: is_over(first["report"]), "the report is over", 120)

    assert job_states(play) == job_states(qualify) == ["COMPLETED"] * 2
    assert sorted(job_states(first["judge"])) == ["COMPLETED", "FAILED"]
    assert job_states(first["report"]) == ["CANCELLED"]
    again = submit("stage=eval", "slurm.array=1")
    wait_until(lambda: is_over(again["report"]), "the second report is over", 120)

    assert job_states(again["report"]) == ["COMPLETED"]
    for stage in ("play", "judge-owl", "judge-elk"):
        assert counts(run, stage) == (N_ANSWERS, N_ANSWERS, {})
    assert counts(run, "judge") == (2 * N_ANSWERS, 2 * N_ANSWERS, {})
    assert not list(run.glob("*/claims/*.json"))
    asked = [request.key(name) for name, request in server.heard]
    assert len(asked) - len(set(asked)) <= 2 * SEATS  # what the two had in flight
    server.delay_s = 0.0
    alone = f"runs_dir={tmp_path / 'alone'}"
    for stage in ("play", "qualify", "eval"):
        done = opencharacter(f"stage={stage}", alone)
        assert done.returncode == 0, done.stderr
    assert report(run) == report(tmp_path / "alone" / "t")
