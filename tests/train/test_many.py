"""`stage=train` on two ranks of this machine: one training, whoever does it."""

import json
import os
import signal
import time

import pytest
from safetensors.torch import load_file

from tests.train.small import losses, metrics, small_run, train
from tests.train.starting import start_ranks


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Train in one process, to the end; return its folder."""
    folder = tmp_path_factory.mktemp("alone")
    (ended,) = start_ranks(1, folder / "said", train, small_run(folder)).end()
    assert ended.status == 0, ended.err
    return folder


def run_of(folder):
    return folder / "runs" / "t" / "train"


def weights(folder):
    return load_file(run_of(folder) / "model" / "model.safetensors")


def last_checkpoints(folder):
    return sorted(path.name for path in (run_of(folder) / "checkpoints").iterdir())


def send_when(started, folder, step, number, rank):
    """Send a signal to one rank as soon as a step is told of."""
    end = time.monotonic() + 150
    while not any(line["step"] >= step for line in metrics(folder)):
        assert time.monotonic() < end, started.said(0, "err")
        time.sleep(0.02)
    os.kill(started.processes[rank].pid, number)


def close(these, those):
    assert these.keys() == those.keys()
    for step, loss in these.items():
        assert loss == pytest.approx(those[step], rel=1e-5)


def test_two_ranks_learn_what_one_does(alone, tmp_path):
    """One process takes 4 rows a step, each of two ranks 2; rows have unequally many labels."""
    ended = start_ranks(2, tmp_path / "said", train, small_run(tmp_path)).end()

    assert [each.status for each in ended] == [0, 0], ended[0].err
    close(losses(tmp_path), losses(alone))
    whole = weights(alone)
    for name, weight in weights(tmp_path).items():
        assert (weight - whole[name]).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("number", "again"),
    [(signal.SIGUSR1, 2), (signal.SIGTERM, 1)],
    ids=["USR1, the same ranks go on", "TERM, one process goes on"],
)
def test_a_signal_to_one_rank_stops_both_at_one_step_and_they_go_on(alone, tmp_path, number, again):
    words = small_run(tmp_path)
    started = start_ranks(2, tmp_path / "said", train, words)
    send_when(started, tmp_path, 4, number, rank=1)
    first, second = started.end()

    assert (first.status, second.status) == (85, 0), first.err
    assert "is saved; the same command goes on" in first.err
    newest = max(last_checkpoints(tmp_path), key=lambda name: int(name.split("-")[1]))
    folder = run_of(tmp_path) / "checkpoints" / newest
    marker = json.loads((folder / "COMPLETE.json").read_text(encoding="utf-8"))
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= marker["files"].keys()
    assert 4 <= marker["step"] < 12

    ended = start_ranks(again, tmp_path / "said", train, words).end()
    assert {each.status for each in ended} == {0}, ended[0].err
    assert f"goes on from step {marker['step']}" in ended[0].err
    close(losses(tmp_path), losses(alone))
