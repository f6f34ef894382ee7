"""A file of a run that cannot be read: which one, what is wrong, and the command that mends it."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from opencharacter.errors import StoreError

_UNREADABLE = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError)


def damaged(path: Path, what: str) -> StoreError:
    """Return the error of a file that cannot be read.

    Args:
        path: The file, in a stage's folder or in one of its folders.
        what: Is wrong with it.
    """
    folder = next((each for each in path.parents[:2] if _command(each) is not None), None)
    if folder is None:
        return StoreError(f"{path} is damaged ({what}); take it out of that folder")
    command = alone(_command(folder) or "", folder.name)
    kept = " (logged answers are kept)" if (folder / "completions").exists() else ""
    return StoreError(
        f"{path} is damaged ({what}); make {folder.name} again with: {forced(command)}{kept}"
    )


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what the Parquet reader says of a file into one line that says what to do.

    Raises:
        StoreError: the file is missing, broken, or may not be read.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(path, "it is missing") from error
    except _UNREADABLE as error:
        what = getattr(error, "strerror", None) or str(error)
        raise damaged(path, what.partition("\n")[0].rstrip(".")) from error


def alone(command: str, stage: str) -> str:
    """Return a command as it was typed, but for one stage, and all of it."""
    typed = re.sub(r"\s(?:force|part)=\S+", "", command)
    return re.sub(r"\bstage=\S+", f"stage={stage}", typed)


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


def _command(folder: Path) -> str | None:
    """Return the command that made a stage's folder, from whichever file still says it.

    None where there is no such folder.
    """
    found = [folder / name for name in ("started.json", "manifest.json", "config.yaml")]
    there = [path for path in found if path.is_file()]
    for path in there:
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".yaml" and text.startswith("# python"):
            return text.partition("\n")[0].removeprefix("# ")
        try:
            return str(json.loads(text)["command"])
        except (ValueError, KeyError, TypeError):
            continue
    words = ["python", "-m", "opencharacter", f"stage={folder.name}", f"run={folder.parent.name}"]
    return shlex.join(words) if there else None
