import re
import time

import pytest

from tests.servers import serving


@pytest.fixture
def server():
    with serving(delay_s=0.2) as server:
        yield server


def test_a_finished_run_is_told_with_its_counts(opencharacter):
    assert opencharacter("stage=synth").returncode == 0

    shown = opencharacter("stage=status").stdout

    assert shown.count("finished") == 5
    assert "56" in shown


def test_a_running_one_is_told_with_its_pace_and_a_killed_one_with_its_claims(
    opencharacter, start_process, server, tmp_path
):
    command = ("stage=synth", *server.teacher, "teacher.seats=1", "synth.methods=[generate]")
    process = start_process(*command)
    answered = tmp_path / "runs" / "t" / "profiles" / "completions"
    while not any(log.stat().st_size for log in answered.glob("*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)

    running = opencharacter("stage=status").stdout
    assert "running" in running
    assert f"process {process.pid} on" in running

    process.kill()
    process.communicate()
    dead = opencharacter("stage=status").stdout
    assert f"part-00000-of-00001 was held by process {process.pid}" in dead
    assert re.search(r"profiles +stopped +0 +56\b", dead)
    assert f"process {process.pid} on" not in dead.replace("held by process", "")


def test_one_that_waits_for_its_first_answer_is_running_and_its_size_is_kept(
    opencharacter, start_process, tmp_path
):
    with serving(delay_s=60) as slow:
        process = start_process("stage=synth", *slow.teacher)
        while not slow.asked:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        running = opencharacter("stage=status").stdout
        process.kill()
        process.communicate()

    assert re.search(r"profiles +running +0 +56 +0.0 +0 +1", running)
    [report] = (tmp_path / "runs" / "t" / "profiles" / "progress").glob("[!.]*.json")
    report.unlink()  # what happens by itself after half a minute
    assert re.search(r"profiles +\w+ +0 +56", opencharacter("stage=status").stdout)


def test_a_run_that_never_was_is_an_error_and_makes_no_folder(opencharacter, tmp_path):
    done = opencharacter("stage=status", "run=nobody")

    assert (done.returncode, "nobody has no stage" in done.stderr) == (2, True)
    assert not (tmp_path / "runs" / "nobody").exists()
