"""A file of a run that cannot be read: which one, what is wrong, and the command that mends it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from opencharacter.errors import StoreError
from opencharacter.store.commands import alone, forced, placed, plain

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
    command = placed(alone(_command(folder) or "", folder.name), folder.parent)
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
    return plain(folder.parent, folder.name) if there else None
