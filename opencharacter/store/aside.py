"""What a stage had made before it was started over: kept until the new one has rows of its own."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from opencharacter.errors import StoreError
from opencharacter.store.claims import Claims
from opencharacter.store.rows import part_files
from opencharacter.store.stage import StageFolder


def move_aside(folder: StageFolder, claims: Claims, command: str) -> None:
    """Move what was made aside, so that the stage can start over.

    Each move is one step, and `started.json` goes last: whatever a kill leaves belongs to it. What
    an earlier start has moved and nothing has followed, as it was killed, stays there instead.

    Raises:
        StoreError: others work on it, or something cannot be moved.
    """
    others = claims.others()
    if others:
        name, holder = next(iter(others.items()))
        raise StoreError(
            f"cannot start {folder.path} over: {holder} is working on {name}; stop it, or leave "
            "out force=true"
        )
    aside = _aside(folder)
    try:
        if _is_whole(folder) and not part_files(folder.data):
            for path in _made(folder):
                _remove(path)
            return
        if aside.exists():
            shutil.rmtree(aside)
        aside.mkdir()
        for path in _made(folder):
            with suppress(FileNotFoundError):
                path.rename(aside / path.name)
    except OSError as error:
        raise StoreError(
            f"cannot start {folder.path} over: {error}; mend that, then run again: {command}"
        ) from error


def put_back(folder: StageFolder, claims: Claims) -> bool:
    """Put back what was moved aside, where nothing has followed it; say whether that was done.

    `started.json` goes first: what else a kill leaves aside is made again from logged answers.
    """
    if not _is_whole(folder) or part_files(folder.data) or claims.others():
        return False
    aside = _aside(folder)
    try:
        made = [path.name for path in reversed(_made(folder)) if (aside / path.name).exists()]
        later = {path.name for path in aside.iterdir()}.difference(made)
        for path in _made(folder):
            if path.name not in made:  # of the new stage alone
                _remove(path)
        for name in (*made, *sorted(later)):
            if (aside / name).is_dir():
                _remove(folder.path / name)
            (aside / name).replace(folder.path / name)
        aside.rmdir()
    except OSError:  # it stays there, and the next start keeps it
        return False
    return True


def move_also(folder: StageFolder, names: Iterable[str]) -> None:
    """Move more of what lies in the folder of a stage aside, which has been started over."""
    for name in names:
        kept = _aside(folder) / name
        if not _is_whole(folder) or kept.exists():
            _remove(folder.path / name)
        elif (folder.path / name).exists():
            (folder.path / name).rename(kept)


def forget(folder: StageFolder, name: str = "") -> None:
    """Remove what was moved aside, or one thing of it: the new stage has rows."""
    shutil.rmtree(_aside(folder) / name, ignore_errors=True)


def _aside(folder: StageFolder) -> Path:
    return folder.path / ".old"


def _is_whole(folder: StageFolder) -> bool:
    """Say whether all that was made is aside: `started.json` is moved last."""
    return (_aside(folder) / folder.started_file.name).exists()


def _made(folder: StageFolder) -> list[Path]:
    """Return what a stage makes but for logged answers, in the order in which it is moved."""
    beside = [folder.path / name for name in ("README.md", "config.yaml", *folder.beside)]
    made_last = (folder.data, folder.rejected, folder.started_file)
    return [folder.manifest_file, *beside, *made_last]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
