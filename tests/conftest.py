"""What several tests need: small sources, and running the command line as a user does."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

from opencharacter.compose import compose_config
from opencharacter.config import Config
from opencharacter.errors import OpenCharacterError
from opencharacter.job import Job

# Several engines run at a time here, and threads that wait for each other waste the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Python, and with it what the tests start, is deaf to Ctrl+C where a shell's `&` started it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How busy the machine is decides no test.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

JOBS = ["baker", "sailor", "teacher", "welder", "nurse", "chemist", "pilot", "farmer"]
ANY_FOLDER = "/any/folder"
PLACES = ["Lisbon", "Osaka", "Quito", "Perth", "Oslo", "Accra", "Lima"]

NOT_TESTED = "IS NOT TESTED HERE"
NO_SLURM = f"SLURM {NOT_TESTED}"
NO_BROWSER = f"A PAGE IN A BROWSER {NOT_TESTED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what could not be tested here, and why: a skip alone is easily missed."""
    skipped = terminalreporter.stats.get("skipped", [])
    found = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    for reason in sorted({reason for reason in found if NOT_TESTED in reason}):
        terminalreporter.section(reason.removeprefix("Skipped: "), sep="!", red=True, bold=True)


@pytest.fixture
def personas_file(tmp_path: Path) -> Path:
    """Write 56 different personas."""
    path = tmp_path / "people.jsonl"
    lines = [json.dumps({"persona": f"A {job} from {place}"}) for job in JOBS for place in PLACES]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def instructions_file(tmp_path: Path) -> Path:
    """Write 12 instructions of two turns, each with reference answers."""
    path = tmp_path / "tasks.jsonl"
    rows = [
        {
            "conversations": [
                f"How many legs have {n} cats?",
                f"{n} cats have {4 * n} legs.",
                f"And {n} birds?",
                f"{n} birds have {2 * n} legs.",
            ]
        }
        for n in range(2, 14)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


class Done(NamedTuple):
    """How a command ended, as the command line would report it."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def settings(tmp_path: Path, personas_file: Path, instructions_file: Path) -> dict[str, str]:
    """Return settings of a run on the small sources with the scripted teacher."""
    return {
        "run": "t",
        "runs_dir": str(tmp_path / "runs"),
        "llm@teacher": "scripted",
        "llm@player": "scripted",
        "llm@judge": "scripted",
        "personas": "file",
        "personas.path": str(personas_file),
        "instructions.paths": f"[{instructions_file}]",
        "synth.methods": "[rewrite,generate]",
    }


def overrides(settings: dict[str, str], given: tuple[str, ...]) -> list[str]:
    """Return `settings` and what was given as overrides; what was given wins."""
    named = {override.partition("=")[0] for override in given}
    return [f"{key}={value}" for key, value in settings.items() if key not in named] + list(given)


def compose(words: tuple[str, ...], folder: Path) -> Config:
    """Compose what the words say, once for all folders: it takes longer than most runs here."""
    try:
        config = _compose(tuple(word.replace(str(folder), ANY_FOLDER) for word in words))
    except OpenCharacterError:  # it shall name the folder that is there
        return compose_config(words)
    moved = relocated(config, str(folder))
    assert isinstance(moved, Config)
    return moved


@cache
def _compose(words: tuple[str, ...]) -> Config:
    return compose_config(words)


def relocated(value: object, folder: str) -> object:
    """Return a copy in which `folder` stands wherever any folder could."""
    match value:
        case Enum():
            return value
        case str():
            return value.replace(ANY_FOLDER, folder)
        case list():
            return [relocated(each, folder) for each in value]
        case dict():
            return {key: relocated(each, folder) for key, each in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    each = {field.name: relocated(getattr(value, field.name), folder) for field in fields(value)}
    return replace(value, **each)


@pytest.fixture
def opencharacter(
    settings: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Return a function that runs a stage in this process: quicker than a command each time."""

    def run(*given: str) -> Done:
        config = compose(tuple(overrides(settings, given)), tmp_path)
        stage = import_module(f"opencharacter.stages.{config.stage}")
        capsys.readouterr()
        try:
            if "check" in vars(stage):
                stage.check(config)
            with Job(config, command=shlex.join(["python", "-m", "opencharacter", *given])) as job:
                stage.run(config, job)
        except OpenCharacterError as error:
            captured = capsys.readouterr()
            return Done(2, captured.out, f"{captured.err}{error}")
        except SystemExit as ended:
            captured = capsys.readouterr()
            return Done(int(str(ended.code)), captured.out, captured.err)
        captured = capsys.readouterr()
        return Done(0, captured.out, captured.err)

    return run


@pytest.fixture
def start_process(settings: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts the real command line in a process of its own."""

    def start(*given: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "opencharacter", *overrides(settings, given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    return start
