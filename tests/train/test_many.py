"""`stage=train` on two ranks of this machine: one training, whoever does it."""

import json
import os
import shutil
import signal
import time

import pytest
from safetensors.torch import load_file

from tests.disks import small_disk
from tests.train.ggufs import GOOD, stand_in
from tests.train.small import (
    found_out,
    losses,
    metrics,
    small_run,
    small_words,
    train,
    train_with_short_farewell,
)
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


def wait_for_step(started, folder, step):
    end = time.monotonic() + 150
    while not any(line["step"] >= step for line in metrics(folder)):
        assert started.processes[0].is_alive(), started.said(0, "err")
        assert time.monotonic() < end, started.said(0, "err")
        time.sleep(0.02)


def send_when(started, folder, step, number, rank):
    """Send a signal to one rank as soon as a step is told of."""
    wait_for_step(started, folder, step)
    os.kill(started.processes[rank].pid, number)


def close(these, those):
    assert these.keys() == those.keys()
    for step, loss in these.items():
        assert loss == pytest.approx(those[step], rel=1e-5)


def same_validations(folder, other):
    """Counts are equal, losses close; nobody is measured twice."""
    these, those = found_out(folder), found_out(other)
    assert len(these) == len(those) > 3
    for mine, theirs in zip(these, those, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)


def test_two_ranks_learn_what_one_does(alone, tmp_path):
    """One process takes a row four times a step, each of two ranks two rows once.

    Of 18 rows an epoch the last step has two, so that one rank has none; of 3, 4 and 1 rows that
    are held out neither rank has as many as the other.
    """
    words = small_run(tmp_path, "train.device_tokens=256")
    ended = start_ranks(2, tmp_path / "said", train, words).end()

    assert [each.status for each in ended] == [0, 0], ended[0].err
    close(losses(tmp_path), losses(alone))
    same_validations(tmp_path, alone)
    whole = weights(alone)
    for name, weight in weights(tmp_path).items():
        assert (weight - whole[name]).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("number", "at", "again"),
    [(signal.SIGUSR1, 6, 2), (signal.SIGTERM, 3, 1)],
    ids=["USR1 in the second epoch, the same ranks go on", "TERM, one process goes on"],
)
def test_a_signal_to_one_rank_stops_both_at_one_step_and_they_go_on(
    alone, tmp_path, number, at, again
):
    words = small_run(tmp_path)
    started = start_ranks(2, tmp_path / "said", train, words)
    send_when(started, tmp_path, at, number, rank=1)
    first, second = started.end()

    assert (first.status, second.status) == (85, 0), first.err
    assert "is saved; the same command goes on" in first.err
    newest = max(last_checkpoints(tmp_path), key=lambda name: int(name.split("-")[1]))
    folder = run_of(tmp_path) / "checkpoints" / newest
    marker = json.loads((folder / "COMPLETE.json").read_text(encoding="utf-8"))
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= marker["files"].keys()
    assert at <= marker["step"] < 10

    ended = start_ranks(again, tmp_path / "said", train, words).end()
    assert {each.status for each in ended} == {0}, ended[0].err
    assert f"goes on from step {marker['step']}" in ended[0].err
    close(losses(tmp_path), losses(alone))


def test_what_one_process_began_two_ranks_finish(alone, tmp_path):
    words = small_run(tmp_path)
    started = start_ranks(1, tmp_path / "said", train, words)
    send_when(started, tmp_path, 4, signal.SIGTERM, rank=0)
    (stopped,) = started.end()
    ended = start_ranks(2, tmp_path / "said", train, words).end()

    assert stopped.status == 85, stopped.err
    assert [each.status for each in ended] == [0, 0], ended[0].err
    assert "1 ranks have become 2" in ended[0].err
    close(losses(tmp_path), losses(alone))


def test_when_a_rank_is_killed_the_other_ends_and_the_last_whole_checkpoint_is_gone_on_from(
    alone, tmp_path
):
    words = small_run(tmp_path)
    started = start_ranks(2, tmp_path / "said", train, words)
    for rank in (0, 1):
        send_when(started, tmp_path, 6, signal.SIGSTOP, rank)
    (second_start,) = start_ranks(1, tmp_path / "second", train, words).end()
    os.kill(started.processes[1].pid, signal.SIGKILL)
    os.kill(started.processes[0].pid, signal.SIGCONT)
    first, second = started.end()
    cut = run_of(tmp_path) / "checkpoints" / "checkpoint-9"
    cut.mkdir(exist_ok=True)  # as a kill in the middle of its writing leaves it
    (cut / "model.safetensors").write_bytes(b"half")

    assert second_start.status == 2
    assert "is being written by process" in second_start.err
    assert (first.status, second.status) == (2, -signal.SIGKILL)
    assert "another rank ended without a word" in first.err
    assert "Traceback" not in first.err

    ended = start_ranks(2, tmp_path / "said", train, words).end()
    assert [each.status for each in ended] == [0, 0], ended[0].err
    assert "checkpoint-9 was not finished, and is removed" in ended[0].err
    assert "goes on from step 5" in ended[0].err
    close(losses(tmp_path), losses(alone))


@pytest.fixture
def full_soon(tmp_path):
    with small_disk(tmp_path / "disk", "200m") as disk:
        yield disk


def test_a_disk_that_fills_up_keeps_the_last_whole_checkpoint(alone, tmp_path, full_soon):
    words = small_run(full_soon)
    started = start_ranks(1, tmp_path / "said", train, words)
    send_when(started, full_soon, 6, signal.SIGSTOP, rank=0)
    room = shutil.disk_usage(full_soon).free - 2**18  # for lines of metrics, and no checkpoint
    (full_soon / "other").write_bytes(b"x" * room)
    os.kill(started.processes[0].pid, signal.SIGCONT)
    (ended,) = started.end()

    assert ended.status == 2
    assert "the disk is full while writing checkpoint-10 of" in ended.err
    assert "checkpoint-5 is whole, and is gone on from" in ended.err
    assert "Traceback" not in ended.err
    assert last_checkpoints(full_soon) == ["checkpoint-5"]

    (full_soon / "other").unlink()
    (again,) = start_ranks(1, tmp_path / "said", train, words).end()
    assert again.status == 0, again.err
    assert "goes on from step 5" in again.err
    close(losses(full_soon), losses(alone))


def test_weights_that_are_cut_up_learn_the_same_and_are_whole_at_the_end(alone, tmp_path):
    """ZeRO-3 gathers weights at every layer; ranks with unequally many labels must not wait."""
    words = small_run(tmp_path, "deepspeed=zero3", "train.device_tokens=256")
    ended = start_ranks(2, tmp_path / "said", train, words).end()

    assert [each.status for each in ended] == [0, 0], ended[0].err
    close(losses(tmp_path), losses(alone))
    same_validations(tmp_path, alone)
    whole = weights(alone)
    for name, weight in weights(tmp_path).items():
        assert (weight - whole[name]).abs().max() < 1e-3


def test_zero_3_leaves_the_model_that_zero_2_leaves_with_new_tokens(tmp_path):
    """ZeRO-3 opens the model in pieces, and its embeddings grow there."""
    words = ["train.added_tokens=['<sighs>']", "train.epochs=1", "train.validations=2"]
    for name in ("zero2", "zero3"):
        given = small_run(tmp_path / name, f"deepspeed={name}", *words)
        ended = start_ranks(2, tmp_path / name / "said", train, given).end()
        assert [each.status for each in ended] == [0, 0], ended[0].err
        assert "1 added tokens (<sighs>) begin as the mean" in ended[0].err

    two, three = (weights(tmp_path / name) for name in ("zero2", "zero3"))
    close(losses(tmp_path / "zero3"), losses(tmp_path / "zero2"))
    same_validations(tmp_path / "zero3", tmp_path / "zero2")
    assert two.keys() == three.keys()
    for name, weight in two.items():
        assert (weight - three[name]).abs().max() < 1e-3


def test_no_rank_ends_before_the_first_has_written_everything(tmp_path):
    """`srun --wait` ends a step some minutes after its first task has ended."""
    stand_in(tmp_path / "llama.cpp", f"import time\ntime.sleep(3)\n{GOOD}")
    given = ["train.epochs=0.2", "train.gguf=f16", f"train.llama_cpp={tmp_path / 'llama.cpp'}"]
    words = small_run(tmp_path, *given)
    started = start_ranks(2, tmp_path / "said", train_with_short_farewell, words)
    started.processes[1].join(150)
    written = [path.name for path in (run_of(tmp_path) / "gguf").glob("*.gguf")]
    ended = started.end()

    assert [each.status for each in ended] == [0, 0], ended[0].err
    assert written == ["t-f16.gguf"]


def test_a_training_that_ended_is_not_done_again(alone):
    ended = start_ranks(2, alone / "again", train, small_words(alone)).end()

    assert [each.status for each in ended] == [0, 0], ended[0].err
    assert "train: already finished" in ended[0].err
