"""A training on a real SLURM: two nodes, a task each, stopped in the middle and gone on with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from opencharacter.llm.stopping import STOPPED
from opencharacter.records import Checkpoint
from opencharacter.store.rows import read_records
from tests.slurm.cluster import is_over, job_states, wait_until
from tests.train.small import losses, metrics, small_run, train
from tests.train.starting import start_ranks

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Train in one process without DeepSpeed, to the end and never stopped; return its folder."""
    folder = tmp_path_factory.mktemp("alone")
    (ended,) = start_ranks(1, folder / "said", train, small_run(folder)).end()
    assert ended.status == 0, ended.err
    return folder


def weights(folder):
    return load_file(folder / "runs" / "t" / "train" / "model" / "model.safetensors")


def submit(folder, *given):
    """Submit a training on two nodes as a user does, and return the job's id."""
    settings = ("stage=train", "slurm=cluster", "slurm.train_nodes=2", "slurm.train_gpus=0")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "opencharacter",
            "stage=train",
            *small_run(folder),
            *settings,
            *given,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DS_ACCELERATOR": "cpu", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0].rpartition(" ")[2]


def log(folder):
    return "".join(path.read_text() for path in (folder / "runs" / "t" / "logs").glob("*"))


def told(folder, step):
    return any(line["step"] >= step for line in metrics(folder))


@pytest.mark.parametrize("deepspeed", ["zero2", "zero3"])
def test_a_training_on_two_nodes_is_stopped_requeued_and_ends(cluster, alone, tmp_path, deepspeed):
    job = submit(tmp_path, f"deepspeed={deepspeed}")
    wait_until(lambda: told(tmp_path, 6), "the second epoch is begun", 300)
    if deepspeed == "zero2":  # as before the end of the time, and on pre-emption
        subprocess.run(["scancel", "--signal=USR1", job], check=True)
    else:  # from outside: TERM, and after five seconds KILL; the first epoch's end is saved
        subprocess.run(["scontrol", "requeue", job], check=True)
    wait_until(lambda: is_over(job), "the training is over", 400)

    assert job_states(job) == ["COMPLETED"], log(tmp_path)
    assert "goes on from step" in log(tmp_path)
    assert sorted(losses(tmp_path)) == list(range(1, 11))
    assert losses(tmp_path) == pytest.approx(losses(alone), rel=1e-4)
    (made,) = read_records(tmp_path / "runs" / "t" / "train" / "data", Checkpoint)
    assert made.step in (5, 10)
    whole = weights(alone)
    for name, weight in weights(tmp_path).items():
        assert (weight - whole[name]).abs().max() < 1e-3


def test_the_batch_file_requeues_on_the_status_that_the_command_ends_with():
    batch = (ROOT / "slurm" / "train.sbatch").read_text()

    assert f'"$rc" -eq {STOPPED} ' in batch
