"""The commands that messages name: pasted, each does what is said, in the run that is meant."""

import re
import shlex
from pathlib import Path

_RUNS_DIR = Path("runs")  # where `runs_dir` is when nobody says it


def plain(run_dir: Path, stage: str) -> str:
    """Return the command of a stage of a run of which nothing more is known."""
    words = ["python", "-m", "opencharacter", f"stage={_of_folder(stage)}", f"run={run_dir.name}"]
    return placed(shlex.join(words), run_dir)


def placed(command: str, run_dir: Path) -> str:
    """Return a command for the run in `run_dir`, wherever it was when the command was typed."""
    name, runs_dir = f"run={run_dir.name}", f"runs_dir={run_dir.parent}"
    words = [name if word.startswith("run=") else word for word in shlex.split(command)]
    words += [name] * (name not in words)
    said = [word.partition("=")[2] for word in words if word.startswith("runs_dir=")]
    if Path(said[-1] if said else _RUNS_DIR) == run_dir.parent:
        return shlex.join(words)
    return shlex.join([*(word for word in words if not word.startswith("runs_dir=")), runs_dir])


def alone(command: str, stage: str) -> str:
    """Return a command as it was typed, but for one stage, and all of it."""
    typed = re.sub(r"\s(?:force|part)=\S+", "", command)
    return re.sub(r"\bstage=\S+", f"stage={_of_folder(stage)}", typed)


def first(command: str, stage: str) -> str:
    """Return a command as it was typed for a stage that must be done before it; "" if it is none.

    Words that only look at something, or that are about the later stage's work, are left out.
    """
    if not re.search(r"\sstage=\S+", command):
        return ""
    looks = r"\s(?:preview|dry_run|parts|\w+\.(?:check|show|dry_run))=\S+"
    return alone(re.sub(looks, "", command), stage)


def forced(command: str) -> str:
    """Return a command that starts its stages over."""
    return re.sub(r"\sforce=\S+", "", command) + " force=true"


def is_of(command: str, stage: str) -> bool:
    """Tell whether a command is of one stage, not of several of which it is one."""
    return f"stage={_of_folder(stage)}" in shlex.split(command)


def _of_folder(name: str) -> str:
    """Return the stage that keeps a folder: of each judge `judge` keeps one, `judge-<name>`."""
    return name.partition("-")[0]
