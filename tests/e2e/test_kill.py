"""`kill -9` at any moment: nothing lost, nothing doubled, no finished model call made again."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opencharacter.records import Character, Instruction, MixtureRow, Persona, Response
from opencharacter.store.rows import read_records
from tests.conftest import overrides
from tests.servers import serving

WINDOW = 5  # requests in flight with four seats
OVERRIDES = (
    "stage=synth", "synth.mix=true", "teacher.seats=4", "parts=3",
    "generate.fact_check=mark", "rewrite.fact_check=mark",
)  # fmt: skip
FALLING = Path(__file__).with_name("falling.py")

# How often a stage is killed, and of how many things that it does to its folder one is the last.
KILLS = {
    "personas": (2, 36), "instructions": (2, 36), "profiles": (4, 50), "rewrite": (4, 110),
    "generate": (4, 110), "mix": (4, 36),
}  # fmt: skip


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
    """Return all records of a run by id."""
    kinds = (
        ("personas", Persona), ("instructions", Instruction), ("profiles", Character),
        ("rewrite", Response), ("generate", Response), ("mix", MixtureRow),
    )  # fmt: skip
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


@pytest.fixture
def server():
    with serving() as server:
        yield server


def kill_inside(folder: Path, last: int, command: list[str]) -> None:
    """Run a command that is killed by the `last` thing it does to a stage's folder."""
    killed = subprocess.run(
        [sys.executable, str(FALLING), str(folder), str(last), *command],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (folder / "manifest.json").exists()


def test_killed_twenty_times_in_all_stages_a_run_ends_like_an_undisturbed_one(
    start_process, settings, tmp_path
):
    few = (*OVERRIDES, "instructions.n=60")
    undisturbed = start_process(*few, "run=calm")
    _, complaint = undisturbed.communicate(timeout=120)
    assert undisturbed.returncode == 0, complaint
    calm = everything(tmp_path / "runs" / "calm")
    run = tmp_path / "runs" / "rough"
    moments = random.Random(7)

    kills = 0
    for stage, (times, things) in KILLS.items():
        for _ in range(times):
            before = everything(run)
            command = overrides(settings, (*few, "run=rough"))
            kill_inside(run / stage, moments.randint(1, things), command)
            kills += 1
            assert before.items() <= everything(run).items()
    last = start_process(*few, "run=rough")
    _, complaint = last.communicate(timeout=120)
    assert last.returncode == 0, complaint

    assert kills == 20
    # 56 personas and profiles, 60 instructions, 180 answers of each method; the mixture, 2 of 3
    # characters an instruction, leaves out what is nearly alike.
    assert everything(run) == calm
    assert len(calm) > 2 * 56 + 60 + 2 * 180
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
    both = [start_process(*OVERRIDES, "synth.mix=false", "parts=12") for _ in range(2)]

    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    assert len(everything(tmp_path / "runs" / "t")) == 56 + 150 + 56 + 2 * 450
