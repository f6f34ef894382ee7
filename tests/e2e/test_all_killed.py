"""`kill -9` while a mixture becomes tokens and a model: the same command goes on."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from opencharacter.records import Checkpoint, MixtureRow, Tokens
from opencharacter.store.rows import read_records
from tests.conftest import overrides

pytest.importorskip("trl")

FALLING = Path(__file__).with_name("falling.py")
COMMAND = (
    *("stage=all", "run=t", "synth.n_characters=1", "train.model=embedded"),
    *("train.max_length=1024", "train.device_tokens=1024", "train.global_tokens=8192"),
    *("train.epochs=1", "tokenize.max_length=1024"),
)
# Of the things that each stage does to its folder, the one that is its last.
LAST = {"mix": 9, "tokenize": 12, "train": 14}


def test_killed_in_its_last_three_stages_a_run_goes_on(start_process, settings, tmp_path):
    run = tmp_path / "runs" / "t"
    kept = {}
    for stage, last in LAST.items():
        command = [sys.executable, str(FALLING), str(run / stage), str(last)]
        killed = subprocess.run(
            [*command, *overrides(settings, COMMAND)],
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (run / stage / "manifest.json").exists()
        kept |= {path.parent.name: path.read_text() for path in run.glob("*/manifest.json")}
    last = start_process(*COMMAND)
    _, complaint = last.communicate(timeout=180)
    assert last.returncode == 0, complaint

    made = {path.parent.name: path.read_text() for path in run.glob("*/manifest.json")}
    assert len(kept) == 7  # all but train: none of them was made again
    assert kept.items() <= made.items()
    mixed = {row.id for row in read_records(run / "mix" / "data", MixtureRow)}
    tokens = list(read_records(run / "tokenize" / "data", Tokens))
    assert {each.row_id for each in tokens} <= mixed
    assert len(list(read_records(run / "train" / "data", Checkpoint))) == 1
    counts = json.loads(made["tokenize"])["counts"]
    assert counts["in"] == len(mixed)
    assert (run / "train" / "model" / "model.safetensors").exists()
