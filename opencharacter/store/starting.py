"""The start of a stage: what it is started with is written down, refused, or taken back.

A start that made nothing leaves no trace: a mistyped setting does not lock the run, and
`force=true` costs nothing before there is something new.
"""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.store.claims import Claims
from opencharacter.store.files import write_json
from opencharacter.store.rows import part_files
from opencharacter.store.stage import StageFolder, forced, stage_fingerprint

_ASIDE = ".old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A stage that was started, or is gone on with, by this process."""

    folder: StageFolder
    fingerprint: str
    is_new: bool
    """Whether this process wrote `started.json`."""
    logged: int
    """Bytes of logged completions at that time."""

    def keep(self) -> None:
        """Remove what was made before, if it was set aside."""
        shutil.rmtree(self.folder.path / _ASIDE, ignore_errors=True)

    def end(self, claims: Claims) -> None:
        """After an error: take the start back if nothing was made, or else keep it."""
        folder = self.folder
        is_used = part_files(folder.data) or _logged(folder) > self.logged or claims.others()
        if not self.is_new or is_used:
            self.keep()
            return
        aside = folder.path / _ASIDE
        folder.started_file.unlink(missing_ok=True)
        (folder.path / "config.yaml").unlink(missing_ok=True)
        for empty in (folder.data, folder.rejected, folder.completions):
            with suppress(OSError):
                empty.rmdir()
        if aside.exists():
            for made in aside.iterdir():
                with suppress(OSError):
                    made.rename(folder.path / made.name)
            aside.rmdir()


def _logged(folder: StageFolder) -> int:
    return sum(path.stat().st_size for path in folder.completions.glob("*"))


def begin(
    folder: StageFolder,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
    force: bool,
    claims: Claims,
) -> Start:
    """Start a stage, or go on with it.

    Args:
        folder: The stage's.
        settings: Everything that decides what is asked and kept.
        inputs: Fingerprint of each stage it reads.
        command: As it was typed, for errors.
        force: Set aside what was made, until something new is; logged completions stay, found again
            by their keys.
        claims: The stage's.

    Raises:
        StoreError: it was started with other settings or inputs, or `force` while others work.
    """
    fingerprint = stage_fingerprint(folder.stage, settings, inputs)
    if force:
        _start_over(folder, claims, command)
    mine = {
        "fingerprint": fingerprint,
        "settings": dict(settings),
        "inputs": dict(inputs),
        "command": command,
        "at": time.time(),
    }
    logged = _logged(folder)
    started = folder.started() or _write_started(folder, mine)
    if started["fingerprint"] != fingerprint:
        raise StoreError(_stale_message(folder, started, settings, inputs, command))
    return Start(
        folder=folder, fingerprint=fingerprint, is_new=started["at"] == mine["at"], logged=logged
    )


def _write_started(folder: StageFolder, mine: dict[str, Any]) -> dict[str, Any]:
    """Write what the stage is started with; return that of another process if it was quicker."""
    try:
        write_json(folder.started_file, mine, replace=False)
    except FileExistsError:
        return folder.started() or _write_started(folder, mine)
    return mine


def _start_over(folder: StageFolder, claims: Claims, command: str) -> None:
    """Move what was made aside.

    Each move is one step, and `started.json` goes last: whatever a kill leaves belongs to it.
    """
    others = claims.others()
    if others:
        name, holder = next(iter(others.items()))
        raise StoreError(
            f"cannot start {folder.path} over: {holder} is working on {name}; stop it, or leave "
            "out force=true"
        )
    card, config = folder.path / "README.md", folder.path / "config.yaml"
    aside = folder.path / _ASIDE
    try:
        if aside.exists():  # left by a kill
            shutil.rmtree(aside)
        aside.mkdir()
        made_before = (folder.manifest_file, card, config, folder.data, folder.rejected)
        for made in (*made_before, folder.started_file):
            with suppress(FileNotFoundError):
                made.rename(aside / made.name)
    except OSError as error:
        raise StoreError(
            f"cannot start {folder.path} over: {error}; mend that, then run again: {command}"
        ) from error


def _stale_message(
    folder: StageFolder,
    started: Mapping[str, Any],
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
) -> str:
    changes = [
        f"{name} {_shown(was)} -> {_shown(now)}"
        for name, was, now in _differences(started["settings"], settings)
    ]
    changes += [
        f"the output of {name} is another one"
        for name, fingerprint in inputs.items()
        if started["inputs"].get(name) != fingerprint
    ]
    shown = "; ".join(changes[:4]) + (f"; and {len(changes) - 4} more" if len(changes) > 4 else "")
    return (
        f"{folder.path} was started with other settings or inputs ({shown}); start it over with: "
        f"{forced(command)}, or choose another run="
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _differences(was: Any, now: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Return the leaves in which two nested settings differ, with dotted names."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        found = []
        for key in sorted({*was, *now}):
            dotted = f"{name}.{key}" if name else str(key)
            found += _differences(was.get(key), now.get(key), dotted)
        return found
    return [] if was == now else [(name, was, now)]
