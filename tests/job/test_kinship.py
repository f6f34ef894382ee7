"""The command that states kinship is one for the run as it is now."""

import shlex

import pytest

from opencharacter.job.kinship import stating_command
from opencharacter.store.files import write_json

TYPED = "python -m opencharacter"
STATED = "judge.same_family=true"


@pytest.fixture
def moved(tmp_path):
    """Write a judging of a run that was called `old` somewhere else."""

    def write(command):
        names = {"fingerprint": "0", "inputs": {}, "settings": {}, "at": 0.0}
        started = tmp_path / "new" / "judge" / "started.json"
        write_json(started, names | {"command": f"{TYPED} {command}"})
        return tmp_path / "new"

    return write


@pytest.mark.parametrize("runs_dir", ["", " runs_dir=/old"])
def test_of_a_run_that_was_moved_it_names_the_run_that_is_there(moved, runs_dir):
    run_dir = moved(f"stage=play,judge judge.seed=1 run=old{runs_dir} force=true")

    words = shlex.split(stating_command(run_dir))[3:]

    own = ["stage=judge", "judge.seed=1", "run=new", f"runs_dir={run_dir.parent}"]
    assert words == [*own, STATED]


def test_it_is_stated_once(moved):
    run_dir = moved("stage=judge judge.same_family=false 'suite.path=/a judge.same_family=b'")

    words = shlex.split(stating_command(run_dir))[3:]

    assert words.count(STATED) == 1
    assert words[:2] == ["stage=judge", "suite.path=/a judge.same_family=b"]
    assert words[-1] == STATED


def test_of_a_judging_that_was_never_started_it_is_the_plain_one(tmp_path):
    told = f"{TYPED} stage=judge run=a runs_dir={shlex.quote(str(tmp_path))} {STATED}"

    assert stating_command(tmp_path / "a") == told
