"""A command that is asked to stop, as SLURM does before it ends a job."""

import signal
import time

import pytest

from tests.servers import serving


@pytest.fixture
def server():
    with serving(delay_s=0.05) as server:
        yield server


def test_a_command_that_is_asked_to_stop_ends_with_85_and_goes_on(start_process, tmp_path, server):
    command = ("stage=synth", *server.teacher, "teacher.seats=2", "synth.methods=[generate]")
    process = start_process(*command)
    log = tmp_path / "runs" / "t" / "profiles" / "completions"
    while not any(path.stat().st_size for path in log.glob("*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=60)

    assert process.returncode == 85, complaint
    assert "stopped: profiles: SIGTERM was sent; 1 of 1 parts are left" in complaint
    last = start_process(*command)
    _, complaint = last.communicate(timeout=120)
    assert last.returncode == 0, complaint
    asked = [request.key("scripted") for request in server.asked]
    assert len(asked) == len(set(asked))
