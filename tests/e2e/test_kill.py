"""`kill -9` at any moment: nothing lost, nothing doubled, no finished model call made again."""

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opencharacter.records import Character, Response
from opencharacter.store.rows import read_records
from tests.servers import serving

WINDOW = 5  # requests in flight with four seats
OVERRIDES = (
    "stage=synth", "teacher.seats=4", "parts=3",
    "generate.fact_check=mark", "rewrite.fact_check=mark",
)  # fmt: skip


@pytest.fixture
def instructions_file(tmp_path: Path) -> Path:
    """Write 150 instructions: enough work to be killed in the middle of."""
    path = tmp_path / "many.jsonl"
    rows = [{"instruction": f"Add {n} and {n + 1}.", "output": str(2 * n + 1)} for n in range(150)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def logged_keys(run: Path) -> list[str]:
    """Return the keys of all whole lines of all logs of a run."""
    keys = []
    for path in run.glob("*/completions/*.jsonl"):
        for line in path.read_bytes().splitlines():
            try:
                keys.append(json.loads(line)["key"])
            except ValueError:
                continue
    return keys


def everything(run: Path) -> dict:
    """Return all characters and responses of a run by id."""
    kinds = (("profiles", Character), ("rewrite", Response), ("generate", Response))
    found: list = [r for stage, kind in kinds for r in read_records(run / stage / "data", kind)]
    assert len({record.id for record in found}) == len(found)
    return {record.id: record for record in found}


def kill_when(process, is_time: Callable[[], bool]) -> bool:
    """Kill the process as soon as it is time; False when it ended before."""
    while process.poll() is None:
        if is_time():
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.001)
    process.communicate()
    return False


def kill_when_logged(process, run: Path, lines: int) -> bool:
    """Kill the process as soon as about that many calls are logged; False when it ended before."""

    def logged() -> int:
        return sum(path.stat().st_size for path in run.glob("*/completions/*.jsonl"))

    return kill_when(process, lambda: logged() > lines * 300)


@pytest.fixture
def server():
    with serving() as server:
        yield server


def test_killed_runs_end_like_an_undisturbed_one(start_process, tmp_path):
    undisturbed = start_process(*OVERRIDES, "run=calm")
    assert undisturbed.wait(timeout=120) == 0
    undisturbed.communicate()
    calm = everything(tmp_path / "runs" / "calm")
    run = tmp_path / "runs" / "rough"
    moments = random.Random(7).sample(range(10, 700), 20)

    kills = 0
    for lines in sorted(moments):
        before = everything(run) if run.exists() else {}
        kills += kill_when_logged(start_process(*OVERRIDES, "run=rough"), run, lines)
        assert before.items() <= everything(run).items()
    last = start_process(*OVERRIDES, "run=rough")
    assert last.wait(timeout=120) == 0
    last.communicate()

    assert kills >= 15
    assert everything(run) == calm
    keys = logged_keys(run)
    assert len(keys) == len(set(keys))


def test_at_most_a_window_of_calls_is_lost_by_a_kill(start_process, server):
    command = ("stage=synth", *server.teacher, "teacher.seats=4", "synth.methods=[generate]")
    for moment in (30, 300):
        assert kill_when(start_process(*command), lambda n=moment: len(server.asked) >= n)
    last = start_process(*command)
    _, complaint = last.communicate(timeout=120)
    assert last.returncode == 0, complaint

    keys = [asked.key("scripted") for asked in server.asked]
    # 56 profiles and 450 answers; what a kill lost was asked once more, and nothing else was.
    assert len(set(keys)) == 56 + 450
    assert len(keys) <= 56 + 450 + 2 * WINDOW


def test_two_processes_share_the_parts(start_process, tmp_path):
    both = [start_process(*OVERRIDES, "parts=12") for _ in range(2)]

    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    assert len(everything(tmp_path / "runs" / "t")) == 56 + 2 * 450
