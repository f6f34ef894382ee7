"""What a stage had made before it was started over: kept until the new one has rows of its own."""

import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from opencharacter.errors import StoreError
from opencharacter.store.claims import Claims
from opencharacter.store.rows import part_files
from opencharacter.store.stage import StageFolder

_GONE = ".gone-"
_START = "start"  # claim of the process that moved things aside: it alone puts them back


def move_aside(folder: StageFolder, claims: Claims, command: str) -> None:
    """Move what was made aside, so that the stage can start over.

    Each move is one step, and `started.json` goes last: whatever a kill leaves belongs to it. What
    an earlier start has moved and nothing has followed, as it was killed, stays there instead. This
    process then holds the claim of the start as long as it is at the stage.

    Raises:
        StoreError: others work on it, or something cannot be moved.
    """
    _claim(folder, claims)
    try:
        _move(folder)
    except OSError as error:
        claims.release(_START)
        raise StoreError(
            f"cannot start {folder.path} over: {error}; mend that, then run again: {command}"
        ) from error


def _claim(folder: StageFolder, claims: Claims) -> None:
    """Claim the start: of two at once one is refused, and none beside others who work there.

    Raises:
        StoreError: others work on it.
    """
    holder = None if claims.holds(_START) else claims.take(_START)
    others = {_START: holder} if holder else claims.others()
    if not others:
        return
    if not holder:
        claims.release(_START)
    name, other = next(iter(others.items()))
    raise StoreError(
        f"cannot start {folder.path} over: {other} is working on {name}; stop it, or leave "
        "out force=true"
    )


def _move(folder: StageFolder) -> None:
    """Move what was made aside, beside what a killed start has left there of the same stage."""
    aside, has_rows = _aside(folder), bool(part_files(folder.data))
    if _is_whole(folder):
        if not has_rows:
            for path in _made(folder):
                _remove(path)
            return
        forget(folder)  # the rows that followed are there
    aside.mkdir(exist_ok=True)
    # Moved before a kill, and all that came after it is without rows.
    is_older_kept = not has_rows and (aside / folder.data.name).exists()
    for path in _made(folder):
        kept = aside / path.name
        if is_older_kept and kept.exists():
            _remove(path)
        elif path.exists() or path.is_symlink():
            _remove(kept)
            path.rename(kept)


def put_back(folder: StageFolder, claims: Claims) -> bool:
    """Put back what this process has moved aside, where nothing has followed; say if it was done.

    Another process at the same stage never does: who moved it may be opening a model meanwhile.
    `started.json` goes first: what else a kill leaves aside is made again from logged answers.
    """
    if not claims.holds(_START) or not _is_whole(folder):
        return False
    if part_files(folder.data) or claims.others():
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


def forget(folder: StageFolder) -> None:
    """Remove what was moved aside: the new stage has rows.

    It loses its name first: a kill leaves nothing that could be taken for a whole stage.
    """
    with suppress(FileNotFoundError):
        _aside(folder).rename(folder.path / f"{_GONE}{secrets.token_hex(8)}")
    for gone in folder.path.glob(f"{_GONE}*"):
        shutil.rmtree(gone, ignore_errors=True)


def bytes_aside(folder: StageFolder) -> int:
    """Return the bytes that `forget` will free."""
    files = (path for path in _aside(folder).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def check_same(folder: StageFolder, fingerprint: str) -> None:
    """See to it that a stage is still the one that this process has worked on.

    Raises:
        StoreError: another process has started it otherwise, or put back what it was.
    """
    started = folder.started() or {}
    if started.get("fingerprint") != fingerprint:
        raise StoreError(
            f"{folder.path} was started with other settings while this command was at it; run it "
            "again when the other one has ended"
        )


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
