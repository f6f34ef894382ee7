"""The commands that messages name: pasted, each does what is said, in the run that is meant.

A command is quoted twice, for the shell and, where a value needs it, for Hydra: what was typed is
taken apart and put together word by word, and never looked into as a line.
"""

import re
import shlex
from pathlib import Path

_RUNS_DIR = Path("runs")  # where `runs_dir` is when nobody says it
_BARE = re.compile(r"[\w./:@+-]+", re.ASCII)  # what Hydra reads without quotes
_OTHER = re.compile(r"[+-]?inf|nan|null|true|false", re.IGNORECASE)  # bare, these are no text
_LOOKS = re.compile(r"preview|dry_run|parts|\w+\.(?:check|show|dry_run)")


def assigned(name: str, value: str) -> str:
    """Return a word that sets a text, as Hydra reads it back; the shell's quotes are not yet on."""
    if _BARE.fullmatch(value) and not _is_other(value):
        return f"{name}={value}"
    # Of backslashes, Hydra reads as one each two before a quote or the end, elsewhere each.
    inner = re.sub(r'(\\*)("|\Z)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), value)
    return f'{name}="{inner}"'


def plain(run_dir: Path, stage: str) -> str:
    """Return the command of a stage of a run of which nothing more is known."""
    return placed(f"python -m opencharacter stage={_of_folder(stage)}", run_dir)


def placed(command: str, run_dir: Path) -> str:
    """Return a command for the run in `run_dir`, wherever it was when the command was typed."""
    words = shlex.split(command)
    named = {_name(word) for word in words}
    own = {"run": assigned("run", run_dir.name)}
    if "runs_dir" in named or run_dir.parent != _RUNS_DIR:
        own["runs_dir"] = assigned("runs_dir", str(run_dir.parent))
    words = [own.get(_name(word), word) for word in words]
    return shlex.join([*words, *(word for name, word in own.items() if name not in named)])


def alone(command: str, stage: str) -> str:
    """Return a command as it was typed, but for one stage, and all of it."""
    own = f"stage={_of_folder(stage)}"
    words = [word for word in shlex.split(command) if _name(word) not in ("force", "part")]
    return shlex.join([own if _name(word) == "stage" else word for word in words])


def first(command: str, stage: str) -> str:
    """Return a command as it was typed for a stage that must be done before it; "" if it is none.

    Words that only look at something, or that are about the later stage's work, are left out.
    """
    words = shlex.split(command)
    if "stage" not in map(_name, words):
        return ""
    return alone(shlex.join([word for word in words if not _LOOKS.fullmatch(_name(word))]), stage)


def with_word(command: str, word: str) -> str:
    """Return a command with a word at its end, instead of those that set the same."""
    kept = [each for each in shlex.split(command) if _name(each) != _name(word)]
    return shlex.join([*kept, word])


def forced(command: str) -> str:
    """Return a command that starts its stages over."""
    return with_word(command, "force=true")


def is_of(command: str, stage: str) -> bool:
    """Tell whether a command is of one stage, not of several of which it is one."""
    return f"stage={_of_folder(stage)}" in shlex.split(command)


def _name(word: str) -> str:
    """Return what a word of a command sets; "" if it sets nothing."""
    name, is_set, _ = word.partition("=")
    return name.lstrip("+") if is_set else ""


def _is_other(value: str) -> bool:
    """Tell whether Hydra reads a bare value as another text, or as none: 1e5, 1_000, null."""
    if _OTHER.fullmatch(value):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return not value.isdecimal()


def _of_folder(name: str) -> str:
    """Return the stage that keeps a folder: of each judge `judge` keeps one, `judge-<name>`."""
    return name.partition("-")[0]
