"""A large source that is read in several processes, and what ends it before its end."""

import json
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from opencharacter.job.showing import reading as reading_of
from opencharacter.progress import Display
from opencharacter.sources.rows import Reading
from opencharacter.store.reports import read_reports


@pytest.fixture
def large(tmp_path):
    """Write 200 MB of personas."""
    path = tmp_path / "large.jsonl"
    rows = [
        json.dumps({"persona": f"A baker of {'rye ' * 16}bread, number {n}"}) for n in range(5000)
    ]
    block = "\n".join(rows).encode() + b"\n"
    with path.open("wb") as file:
        for _ in range(200_000_000 // len(block)):
            file.write(block)
    return path


@pytest.fixture
def reading(large, start_process, tmp_path):
    """Return a process that reads it, and those that it started."""
    words = ("stage=personas", f"personas.path={large}", "personas.n=9", "personas.processes=2")
    process = start_process(*words)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(started := children.read_text().split()) < 3:  # two, and what keeps Python's books
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    while not any(has_open(pid, large) for pid in started):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    yield process, list(map(int, started))
    process.kill()
    process.communicate()


def has_open(pid, path):
    with suppress(OSError):
        return any(link.resolve() == path.resolve() for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pids):
    ends = time.monotonic() + 60
    while any(map(is_running, pids)):
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "stopped: interrupted"),
        (signal.SIGTERM, 85, "stopped: personas: SIGTERM was sent; nothing of it is kept"),
    ],
)
def test_a_signal_ends_all_processes_and_nothing_is_kept(reading, tmp_path, number, status, said):
    process, children = reading
    for pid in (process.pid, *children):  # as a terminal and SLURM do
        os.kill(pid, number)
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, said in errors) == (status, True), errors
    assert "Traceback" not in errors
    wait_until_gone(children)
    assert not list((tmp_path / "runs/t/personas/data").glob("*"))


def test_after_a_kill_no_process_is_left_and_the_same_command_goes_through(
    reading, large, opencharacter
):
    process, children = reading
    process.kill()
    process.communicate()
    wait_until_gone(children)

    again = opencharacter("stage=personas", f"personas.path={large}", "personas.n=9")
    assert again.returncode == 0, again.stderr
    assert re.search(r"personas +finished +\d", opencharacter("stage=status").stdout)


def test_another_number_of_processes_leaves_what_is_made_as_it_is(opencharacter):
    assert opencharacter("stage=personas").returncode == 0

    again = opencharacter("stage=personas", "personas.processes=3")
    assert (again.returncode, "already finished" in again.stderr) == (0, True)


def test_reading_is_told_with_rows_bytes_and_time_left(opencharacter, monkeypatch, tmp_path):
    lines = tmp_path / "many.jsonl"
    rows = [json.dumps({"persona": f"A baker, number {number}"}) for number in range(90_000)]
    lines.write_text("\n".join(rows), "utf-8")
    told = []
    monkeypatch.setattr("opencharacter.job.showing._QUIET_S", 0.0)
    monkeypatch.setattr("opencharacter.sources.scan._PIECE_BYTES", 100_000)
    monkeypatch.setattr(Display, "_write", lambda self, line: told.append(line))
    monkeypatch.setattr(Display, "__init__", every_time(Display.__init__))

    done = opencharacter("stage=personas", f"personas.path={lines}", "personas.n=9")

    assert done.returncode == 0, done.stderr
    line = r"personas: reading: [\d,]+ rows, \d of 3 MB, \d+%, \d+ s left, [\d,]+/s"
    assert any(re.fullmatch(line, each) for each in told), told
    ends = [each for each in told if "done" in each]
    assert re.fullmatch(r"personas: reading: done .* 90,000 rows, 3 of 3 MB, [\d,]+/s", ends[0])
    assert re.fullmatch(r"personas: done .* 9 rows written, .*, 89,991 not drawn", ends[1])


def every_time(start):
    """Return what makes a display that draws at every update."""

    def make(self, title, **settings):
        start(self, title, **settings, every_s=0.0)

    return make


def test_the_status_of_a_stage_that_reads_says_which_process_does(reading, opencharacter):
    process, _ = reading
    os.kill(process.pid, signal.SIGSTOP)  # so that it does not end meanwhile

    shown = opencharacter("stage=status").stdout

    assert re.search(r"personas +running ", shown)
    assert f"process {process.pid} on" in shown


def test_the_rows_read_so_far_are_in_hand(tmp_path, monkeypatch):
    monkeypatch.setattr("opencharacter.store.reports.EVERY_S", 0.05)
    with reading_of(tmp_path) as watch:
        watch(Reading(500, 1000, 4000))
        ends = time.monotonic() + 20
        while read_reports(tmp_path)[0].unsealed != 500:
            assert time.monotonic() < ends
            time.sleep(0.02)

    assert read_reports(tmp_path) == []
