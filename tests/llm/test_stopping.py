import os
import signal
import subprocess
import threading
import time

import pytest

from opencharacter.errors import StoppedError
from opencharacter.llm.requests import Completion, Finish, Request, Sampling
from opencharacter.llm.scripted import ScriptedModel
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.llm.stopping import Stopping, slurm_end
from opencharacter.records import Message, Role
from tests.servers import serving


class Log(dict):
    def append(self, key, completion):
        self[key] = completion


def request(text):
    return Request(
        messages=(Message(role=Role.user, content=text),),
        sampling=Sampling(temperature=0, top_p=1, max_tokens=9),
        seed=0,
    )


def session(name, turns):
    for turn in range(turns):
        yield request(f"{name} {turn}")
    return name


def model():
    def reply(_request):
        return Completion(text="x", finish=Finish.stop, output_tokens=1)

    return ScriptedModel(reply, window=4)


def send(number):
    """Send this process a signal and give the thread that takes it its time."""
    os.kill(os.getpid(), number)
    time.sleep(0.5)


def run(n, turns, *, log, stopping, stop_after):
    finished = []
    admitted = (Admitted(name, session(name, turns), log) for name in range(n))
    heard = []

    def hear(completion):
        heard.append(completion)
        if len(heard) == stop_after:
            send(signal.SIGUSR1)

    with stopping.patience():
        for name, _ in run_sessions(model(), admitted, heard=hear, stopping=stopping):
            finished.append(name)
    return finished, len(heard)


@pytest.fixture
def server():
    with serving(delay_s=0.05) as server:
        yield server


@pytest.fixture
def listening():
    numbers = (signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    stopping = Stopping()
    stopping.listen()
    yield stopping
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    for thread in threading.enumerate():
        if thread.name == "awaits USR1":
            signal.pthread_kill(thread.ident or 0, signal.SIGUSR1)
            thread.join()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # drops one that is pending
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_signal_or_limit_it_goes_on():
    stopping = Stopping()
    stopping.took(10_000)

    assert stopping.reason == ""
    assert not stopping.is_over


def test_after_a_signal_only_running_requests_end_and_all_are_logged(listening):
    log = Log()

    finished, calls = run(50, 3, log=log, stopping=listening, stop_after=20)

    assert listening.reason == "SIGUSR1 was sent"
    assert 20 <= calls <= 24  # the window is four
    assert len(log) == calls
    assert 0 < len(finished) < 50

    rest, further = run(50, 3, log=log, stopping=Stopping(), stop_after=-1)
    assert len(rest) == 50
    assert calls + further == 150


def test_the_second_term_has_its_usual_effect(listening):
    with listening.patience():
        os.kill(os.getpid(), signal.SIGTERM)
        assert listening.reason == "SIGTERM was sent"

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_where_nobody_is_patient_the_command_ends_at_once(listening, number):
    with pytest.raises(StoppedError, match=f"{number.name} was sent; the same command goes on"):
        send(number)


def test_patience_ends_while_a_model_opens_and_comes_back(listening):
    with listening.patience():
        with pytest.raises(StoppedError), listening.impatience():
            send(signal.SIGUSR1)
        send(signal.SIGUSR1)  # it is there again


def test_usr1_does_not_reach_processes_that_are_started(listening):
    child = subprocess.Popen(["sleep", "30"])
    child.send_signal(signal.SIGUSR1)
    time.sleep(0.2)

    assert child.poll() is None
    child.terminate()
    assert child.wait() == -signal.SIGTERM


def test_at_the_end_of_the_wall_time_whatever_runs_is_ended(monkeypatch, listening):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 12))
    listening.listen()

    with pytest.raises(StoppedError, match="the wall time is nearly over"):
        time.sleep(10)
    assert listening.is_near_end


def test_it_stops_when_the_slowest_answer_would_not_fit_any_more():
    now = 1000.0
    stopping = Stopping(clock=lambda: now)
    stopping.until(1100.0)
    stopping.took(30.0)
    assert stopping.reason == ""

    now = 1055.0
    assert stopping.reason == "45 s of the wall time are left"
    assert not stopping.is_over

    now = 1095.0
    assert stopping.is_over


class GoneModel(ScriptedModel):
    """Its server is gone: a second passes with every look, and the fifth brings a signal."""

    def __init__(self):
        super().__init__(lambda _: "x", window=4)
        self.seconds = 0

    def collect(self):
        self.seconds += 1
        if self.seconds == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return []


def test_after_a_signal_a_server_that_is_gone_is_waited_for_as_long_as_an_answer_takes(listening):
    gone = GoneModel()
    stopping = Stopping(clock=lambda: gone.seconds)
    stopping.listen()
    stopping.took(30.0)
    sessions = (Admitted(name, session(name, 1), Log()) for name in range(9))

    with stopping.patience():
        assert list(run_sessions(gone, sessions, stopping=stopping)) == []
    assert gone.seconds == 5 + 30 + 20 + 1


def test_the_first_interrupt_is_a_request_and_the_second_ends_the_work():
    stopping = Stopping()
    with stopping.patience(), stopping.interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        asked = stopping.reason

        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert asked == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_outside_of_slurm_there_is_no_end(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)

    assert slurm_end() is None


def test_slurm_says_when_the_job_ends(monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    scontrol = tmp_path / "scontrol"
    scontrol.write_text("#!/bin/sh\necho JobId=7 EndTime=2030-01-02T03:04:05 Deadline=N/A\n")
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    expected = time.mktime(time.strptime("2030-01-02T03:04:05", "%Y-%m-%dT%H:%M:%S"))
    assert slurm_end() == expected

    scontrol.write_text("#!/bin/sh\necho JobId=7 EndTime=Unknown\n")
    assert slurm_end() is None
    scontrol.write_text("#!/bin/sh\nexit 1\n")
    assert slurm_end() is None
    monkeypatch.setenv("SLURM_JOB_END_TIME", "123")
    assert slurm_end() == 123.0
