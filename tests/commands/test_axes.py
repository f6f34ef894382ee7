"""Axes of a mixture in processes: what they import, and one that is killed or started twice."""

import json
import signal
import sys
import time

import pytest

from tests.stages.test_axes import LEGS, axis, scored_texts
from tests.stages.test_mix import outcome


@pytest.fixture(autouse=True)
def _run_of_two_methods(opencharacter):
    assert opencharacter("stage=synth", "personas.heldout=0").returncode == 0


def test_a_mixture_without_a_model_never_imports_torch(start_process, tmp_path):
    for settings in ([], [axis(f"{LEGS},threshold:12"), "force=true"]):
        process = start_process("stage=mix", *settings, PYTHONPROFILEIMPORTTIME="1")
        _, imported = process.communicate(timeout=120)
        assert process.returncode == 0, imported

        assert "opencharacter.mix.scoring" in imported
        assert " torch\n" not in imported
        assert " transformers\n" not in imported


SLOW = """
import time
def slow(texts):
    time.sleep(0.2)
    return [float(len(text)) for text in texts]
"""


def test_a_kill_in_the_middle_of_scoring_loses_nothing_that_was_scored(
    start_process, opencharacter, tmp_path, monkeypatch
):
    (tmp_path / "slow_axis.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    monkeypatch.syspath_prepend(tmp_path)
    command = ("stage=mix", axis("function:slow_axis:slow,threshold:500"))
    folder = tmp_path / "runs" / "t" / "mix"
    process = start_process(*command)
    while not scored_texts(folder):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = scored_texts(folder)

    done = opencharacter(*command)

    assert done.returncode == 0, done.stderr
    (log,) = folder.glob("scored/*/*.jsonl")
    keys = [json.loads(line)["key"] for line in log.read_text().splitlines()]
    assert len(keys) == len(set(keys)) > kept > 0
    assert outcome(tmp_path)[0]["in"] == 72


def test_a_second_process_does_not_score_the_same_texts(start_process, tmp_path, monkeypatch):
    (tmp_path / "slow_axis.py").write_text(SLOW.replace("0.2", "5"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    command = ("stage=mix", axis("function:slow_axis:slow,threshold:500"))
    first = start_process(*command)
    while not list((tmp_path / "runs" / "t" / "mix").glob("claims/scores-*.json")):
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)

    second = start_process(*command)
    _, complaint = second.communicate(timeout=60)
    first.kill()
    first.communicate()

    assert second.returncode == 2
    assert "is being filled by process" in complaint
