"""Replicas: what the leader sees of them, and how they end."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from opencharacter.errors import ConfigError
from opencharacter.job.replicas import Replicas, wait_for_leader
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder


def replicas_of(command, folder):
    return Replicas(f"python -m opencharacter {command}", logs=folder, starts_over=False)


def test_too_few_visible_gpus_are_refused_before_anything_starts(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")

    with pytest.raises(ConfigError, match="needs 4 GPUs, but CUDA_VISIBLE_DEVICES=0,1 names 2"):
        replicas_of("stage=mix", tmp_path).start(copies=2, gpus_each=2)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("visible", "mine"), [("3,5", "3"), ("", "")])
def test_the_leader_keeps_the_first_of_the_visible_gpus(visible, mine, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    replicas = replicas_of("stage=nothing", tmp_path)
    replicas.start(copies=2, gpus_each=1)
    replicas.end()

    assert os.environ["CUDA_VISIBLE_DEVICES"] == mine


def test_a_replica_that_fails_is_reported_once_with_its_log(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    replicas = replicas_of("stage=nothing", tmp_path)
    replicas.start(copies=2, gpus_each=1)
    said = ""
    end = time.monotonic() + 60
    while not said and time.monotonic() < end:
        time.sleep(0.05)
        replicas.report_dead()
        said = capsys.readouterr().err
    replicas.report_dead()

    assert said.startswith(f"replica 1 ended with status 2, see {tmp_path / 'replica-1.log'}; ")
    assert capsys.readouterr().err == ""
    assert "there is no stage 'nothing'" in (tmp_path / "replica-1.log").read_text()


REPLICA = """
import time
from opencharacter.job.replicas import end_with_leader
end_with_leader()
print("ready", flush=True)
time.sleep(60)
"""
LEADER = """
import os, subprocess, sys, time
environment = {**os.environ, "OPENCHARACTER_LEADER": str(os.getpid())}
subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=environment)
time.sleep(60)
"""


def test_a_replica_ends_when_its_leader_is_killed():
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, REPLICA], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert leader.stdout.readline() == b"ready\n"
    leader.kill()
    _, said = leader.communicate(timeout=20)  # ends when the replica lets go of the pipe too

    assert b"the process that leads this replica is gone" in said


def test_a_replica_hears_its_leader_though_both_run_in_the_background():
    in_background = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    environment = {**os.environ, "OPENCHARACTER_LEADER": str(os.getpid())}
    replica = subprocess.Popen(
        [sys.executable, "-c", REPLICA],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        **in_background,
    )
    assert replica.stdout.readline() == b"ready\n"
    replica.send_signal(signal.SIGINT)
    _, said = replica.communicate(timeout=30)

    assert b"KeyboardInterrupt" in said


def test_a_replica_waits_until_a_stage_is_started_over(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENCHARACTER_SINCE", "200.0")
    folder = StageFolder(run_dir=tmp_path, stage="generate")
    started = {"fingerprint": "f", "settings": {}, "inputs": {}, "command": ""}
    write_json(folder.started_file, started | {"at": 100.0})
    waiting = threading.Thread(target=wait_for_leader, args=(folder, "f"), daemon=True)
    waiting.start()
    waiting.join(0.5)
    was_waiting = waiting.is_alive()
    write_json(folder.started_file, started | {"at": 201.0})
    waiting.join(10)

    assert was_waiting
    assert not waiting.is_alive()
