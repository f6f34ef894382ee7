"""What a stop would take is measured, and told when SLURM gives less."""

import time
from types import SimpleNamespace

import pytest

from opencharacter.llm.stopping import Stopping
from opencharacter.train.preemption import Preemption
from opencharacter.train.ranks import Ranks


def one_step(preemption, folder, *, pause_s=0.0):
    """Go through a step with a validation and a checkpoint as the trainer does."""
    told = SimpleNamespace(output_dir=str(folder)), SimpleNamespace(global_step=1, max_steps=9)
    control = SimpleNamespace()
    preemption.on_step_begin(*told, control)
    preemption.on_step_end(*told, control)
    time.sleep(pause_s)
    preemption.on_evaluate(*told, control)
    preemption.on_save(*told, control)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "checkpoint-1").mkdir()
    (tmp_path / "checkpoint-1" / "weights").write_bytes(b"x" * 2**20)
    return tmp_path


def test_a_checkpoint_slower_than_slurm_s_grace_is_told_once(folder, capsys):
    preemption = Preemption(Ranks(), Stopping(), grace_s=0)
    one_step(preemption, folder)
    one_step(preemption, folder)
    (line,) = capsys.readouterr().err.splitlines()

    assert "SLURM's signal comes 0 s before the end" in line
    assert "give sbatch --signal=USR1@60, or" in line


@pytest.mark.parametrize("grace_s", [None, 30])
def test_nothing_is_told_where_there_is_time_enough(folder, capsys, grace_s):
    one_step(Preemption(Ranks(), Stopping(), grace_s=grace_s), folder)

    assert capsys.readouterr().err == ""


def test_rank_0_alone_tells(folder, capsys):
    one_step(Preemption(Ranks(1), Stopping(), grace_s=0), folder)

    assert capsys.readouterr().err == ""


def test_a_validation_does_not_count(folder, capsys):
    one_step(Preemption(Ranks(), Stopping(), grace_s=1.0), folder, pause_s=1.1)

    assert capsys.readouterr().err == ""
