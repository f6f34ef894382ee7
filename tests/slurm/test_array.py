"""A run on a real SLURM: an array of tasks claims parts; some are cancelled, some requeued."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from opencharacter.llm.stopping import STOPPED
from opencharacter.records import Response
from opencharacter.store.rows import read_records
from tests.servers import serving
from tests.slurm.cluster import is_over, job_states, wait_until

ROOT = Path(__file__).parents[2]
N_INSTRUCTIONS = 60


@pytest.fixture
def instructions_file(tmp_path):
    path = tmp_path / "tasks.jsonl"
    rows = [{"instruction": f"Add {n} and {n + 1}.", "output": "x"} for n in range(N_INSTRUCTIONS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def server():
    with serving(delay_s=0.15) as server:
        yield server


@pytest.fixture
def submit(start_process, settings, server):
    """Return a function that submits a command and returns the ids of its jobs by stage."""

    def submit(*given: str) -> dict[str, str]:
        asking = (*server.teacher, "teacher.seats=2", "synth.methods=[generate]", "parts=16")
        process = start_process("slurm=cluster", "slurm.cpus=1", *asking, *given)
        out, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        lines = [line.split(": job ") for line in out.splitlines() if ": job " in line]
        return dict(lines)

    return submit


@pytest.fixture
def prepared(opencharacter):
    """Do in this process what `generate` reads."""
    for stage in ("personas", "instructions", "profiles"):
        assert opencharacter(f"stage={stage}").returncode == 0


def made(run: Path, stage: str) -> set[str]:
    ids = [record.id for record in read_records(run / stage / "data", Response)]
    assert len(set(ids)) == len(ids)
    return set(ids)


def counts(run: Path, stage: str) -> dict:
    return json.loads((run / stage / "manifest.json").read_text())["counts"]


def answered(run: Path) -> int:
    return sum(
        path.read_bytes().count(b"\n") for path in (run / "generate" / "completions").glob("*")
    )


def test_an_array_that_loses_tasks_is_finished_by_a_larger_one(
    cluster, submit, prepared, server, tmp_path, opencharacter
):
    run = tmp_path / "runs" / "t"
    first = submit("stage=generate", "slurm.array=4")
    generate = first["generate"]
    wait_until(lambda: run.exists() and answered(run) > 20, "some answers are there", 120)

    subprocess.run(["scancel", f"{generate}_1"], check=True)
    subprocess.run(["scontrol", "requeue", f"{generate}_2"], check=True)
    # USR1, as before the end of the wall time: the task seals, ends with 85 and is requeued.
    subprocess.run(["scancel", "--signal=USR1", f"{generate}_3"], check=True)
    wait_until(lambda: is_over(generate), "the array is over", 180)
    logs = "".join(path.read_text() for path in (run / "logs").glob("*-generate-*"))
    assert "stopped: generate: SIGUSR1 was sent" in logs

    second = submit("stage=generate", "slurm.array=6")
    wait_until(lambda: is_over(second["generate"]), "the larger array is over", 180)

    assert set(job_states(second["generate"])) == {"COMPLETED"}
    assert len(made(run, "generate")) == 3 * N_INSTRUCTIONS
    books = counts(run, "generate")
    assert books["in"] == 3 * N_INSTRUCTIONS == books["out"] + sum(books["rejected"].values())
    # What a killed task had in flight was asked again; nothing else was.
    asked = [request.key("scripted") for request in server.asked]
    assert len(asked) - len(set(asked)) <= 2 * 3
    assert "finished" in opencharacter("stage=status").stdout
    assert not list((run / "generate" / "claims").glob("*.json"))


def test_a_task_that_makes_room_for_another_job_goes_on_afterwards(
    cluster, submit, prepared, tmp_path
):
    run = tmp_path / "runs" / "t"
    jobs = submit("stage=generate", "slurm.array=1", "slurm.partition=low", "slurm.cpus=8")
    wait_until(lambda: run.exists() and answered(run) > 10, "some answers are there", 120)
    subprocess.run(
        ["sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null"],
        input="#!/bin/sh\nsleep 3\n",
        text=True,
        check=True,
    )
    wait_until(lambda: is_over(jobs["generate"]), "it is over", 180)

    assert job_states(jobs["generate"]) == ["COMPLETED"]
    assert len(made(run, "generate")) == 3 * N_INSTRUCTIONS
    log = next((run / "logs").glob("*-generate-*")).read_text()
    assert "stopped: generate: SIGUSR1 was sent" in log


def test_the_batch_file_requeues_on_the_status_that_the_command_ends_with():
    batch = (Path(__file__).parents[2] / "slurm" / "synth.sbatch").read_text()

    assert f'"$rc" -eq {STOPPED} ' in batch


def test_the_chain_script_submits_what_the_command_line_does(cluster, server, settings, tmp_path):
    words = [f"{key}={value}" for key, value in settings.items() if key != "llm@teacher"]
    given = [*words, *server.teacher, "synth.methods=[generate]", "parts=4"]
    script = Path(__file__).parents[2] / "slurm" / "chain.sh"
    done = subprocess.run(
        [str(script), *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=_environment() | {"GPUS": "0", "ARRAY": "0-1", "SBATCH_TIMELIMIT": "10"},
    )
    assert done.returncode == 0, done.stderr
    mix = shlex.split(done.stdout)[-1]
    wait_until(lambda: is_over(mix), "the chain is over", 120)

    assert job_states(mix) == ["COMPLETED"], done.stdout
    assert len(made(tmp_path / "runs" / "t", "generate")) == 3 * N_INSTRUCTIONS


def _environment() -> dict[str, str]:
    return os.environ | {"OPENCHARACTER_PYTHON": sys.executable}


def test_a_task_of_an_experiment_s_array_is_one_cell(cluster, tmp_path):
    batch = "experiments/generalization/cells.sbatch"
    given = ["--array=2,35", "--mem=100", "--wait", f"--output={tmp_path}/%a.out"]

    subprocess.run(["sbatch", *given, batch], cwd=ROOT, env=os.environ | {"DRY": "1"}, check=True)

    names = {"2": "run=generate-16-s1", "35": "run=rewrite-64-s3"}
    for task, name in names.items():
        lines = (tmp_path / f"{task}.out").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 7
        assert all(name in line for line in lines)
