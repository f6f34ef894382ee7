"""Parts that other processes hold: refused, waited for, or done here when the holder dies."""

import subprocess
import sys
from importlib import import_module

import pytest

from opencharacter.compose import compose_config
from opencharacter.job import Job
from opencharacter.store.claims import Claims

# Holds a part until some seconds after the stage was started, and dies without letting go.
HOLDER = """
import os, sys, time
from pathlib import Path
from opencharacter.store.claims import Claims
folder, part, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with Claims(folder, timeout_s=60) as claims:
    claims.take(part)
    print("ready", flush=True)
    while not (folder.parent / "started.json").exists():
        time.sleep(0.1)
    time.sleep(seconds)
    os._exit(3)
"""


@pytest.fixture
def claims_folder(opencharacter, tmp_path):
    """Make what `generate` reads; return where its claims are."""
    for stage in ("personas", "instructions", "profiles"):
        opencharacter(f"stage={stage}")
    return tmp_path / "runs" / "t" / "generate" / "claims"


@pytest.fixture
def hold(claims_folder):
    """Return a function that starts a process which holds a part for a while."""
    started = []

    def start(part, seconds=4):
        command = [sys.executable, "-c", HOLDER, str(claims_folder), part, str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def config_of(settings, *more):
    return compose_config([*(f"{key}={value}" for key, value in settings.items()), *more])


def test_the_leader_waits_for_its_replica_and_does_the_parts_of_a_dead_one(
    hold, settings, tmp_path, capsys
):
    config = config_of(settings, "stage=generate", "parts=2")
    with Job(config, command="test") as job:
        job._replicas._running[1] = hold("part-00001-of-00002")
        import_module("opencharacter.stages.generate").run(config, job)
    said = capsys.readouterr().err

    assert (tmp_path / "runs/t/generate/manifest.json").exists()
    assert "generate: waiting for 1 parts held by process" in said
    assert "replica 1 ended with status 3" in said


def test_a_single_stage_does_not_wait_for_the_parts_of_strangers(hold, opencharacter, tmp_path):
    hold("part-00001-of-00002", seconds=600)

    done = opencharacter("stage=generate", "parts=2")

    assert done.returncode == 0
    assert "1 of 2 parts are left" in done.stderr
    assert not (tmp_path / "runs/t/generate/manifest.json").exists()


def test_a_composite_opens_no_model_while_everything_left_is_held(hold, opencharacter, tmp_path):
    hold("part-00000-of-00001")

    done = opencharacter("stage=synth", "synth.methods=[generate]")

    assert done.returncode == 0, done.stderr
    assert "opening" not in done.stderr.partition("waiting for 1 parts")[0]
    assert "opening" in done.stderr.partition("waiting for 1 parts")[2]


def test_a_part_is_claimed_before_its_model_is_opened(claims_folder, settings):
    class Looking(Job):
        """Looks at the claims, as another process would, when the model is asked for."""

        def model(self, config):
            seen.append(set(Claims(claims_folder, timeout_s=60).others()))
            return super().model(config)

    seen = []
    config = config_of(settings, "stage=generate", "parts=3", "part=1")
    with Looking(config, command="test") as job:
        import_module("opencharacter.stages.generate").run(config, job)

    assert "part-00001-of-00003" in seen[0]


def test_a_resumed_stage_counts_the_rejections_of_all_processes(opencharacter):
    opencharacter("stage=personas")
    for part in (0, 1):
        done = opencharacter("stage=profiles", "teacher.max_length=5", "parts=2", f"part={part}")

    assert "56/56 records" in done.stderr
    assert "56 rejected" in done.stderr
