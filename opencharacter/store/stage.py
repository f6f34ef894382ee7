"""One stage's folder in a run: what it was started with, what is done, and how it is closed.

    runs/<run>/<stage>/started.json   fingerprint, settings and inputs, written before any work
                       data/ rejected/ completions/ claims/
                       manifest.json  written when everything is accounted for

A stage refuses inputs or settings that are not the ones it was started with.
"""

import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.ids import digest
from opencharacter.store.claims import Claims, Part
from opencharacter.store.files import read_json, write_json
from opencharacter.store.rows import part_files, read_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFolder:
    """Where one stage of one run keeps its files."""

    run_dir: Path
    stage: str

    @property
    def path(self) -> Path:
        """The stage's folder."""
        return self.run_dir / self.stage

    @property
    def data(self) -> Path:
        """Parts of records."""
        return self.path / "data"

    @property
    def rejected(self) -> Path:
        """Parts of rejections."""
        return self.path / "rejected"

    @property
    def completions(self) -> Path:
        """Logs of model calls."""
        return self.path / "completions"

    @property
    def started_file(self) -> Path:
        """Written first."""
        return self.path / "started.json"

    @property
    def manifest_file(self) -> Path:
        """Written last."""
        return self.path / "manifest.json"

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, None while the stage is unfinished."""
        found: dict[str, Any] | None = read_json(self.manifest_file)
        return found

    def started(self) -> dict[str, Any] | None:
        """Return what the stage was started with, None if it never was."""
        found: dict[str, Any] | None = read_json(self.started_file)
        return found

    def data_file(self, part: Part) -> Path:
        """Return where a part's records go."""
        return self.data / f"{part.name}.parquet"

    def rejected_file(self, part: Part) -> Path:
        """Return where a part's rejections go."""
        return self.rejected / f"{part.name}.parquet"

    def done_keys(self, key_columns: Sequence[str], *, other_than: int | None = None) -> set[str]:
        """Return the keys of all work in whole parts.

        Args:
            key_columns: Columns of a record that make up its work's key, joined by a slash.
            other_than: Leave out parts of this partition; None = look at all.
        """
        keys: set[str] = set()
        for path in part_files(self.data):
            if other_than is not None and path.stem.endswith(f"-of-{other_than:05d}"):
                continue
            keys |= {"/".join(row) for row in read_columns([path], key_columns)}
            keys |= {row[0] for row in read_columns([self.rejected / path.name], ["key"])}
        return keys


def stage_fingerprint(stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return the hash of everything that decides what a stage asks and keeps."""
    return digest("stage", stage, settings, inputs)


def begin(
    folder: StageFolder,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
    force: bool,
    claims: Claims,
) -> str:
    """Start a stage, or go on with it; return its fingerprint.

    Args:
        folder: The stage's.
        settings: Everything that decides what is asked and kept.
        inputs: Fingerprint of each stage it reads.
        command: How to run the stage, for errors.
        force: Forget what was made; logged completions stay, found again by their keys.
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
    started = folder.started() or _write_started(folder, mine)
    if started["fingerprint"] != fingerprint:
        raise StoreError(_stale_message(folder, started, settings, inputs, command))
    return fingerprint


def finished_input(run_dir: Path, stage: str, *, run: str) -> str:
    """Return the fingerprint of a finished stage's output, for a stage that reads it.

    Raises:
        StoreError: it was never run, is unfinished, or its own inputs have changed since; the
            message names the command that mends it.
    """
    folder = StageFolder(run_dir=run_dir, stage=stage)
    manifest = folder.manifest()
    command = f"python -m opencharacter stage={stage} run={shlex.quote(run)}"
    if manifest is None:
        state = "unfinished" if folder.started() else "missing"
        raise StoreError(f"{folder.path} is {state}; first run: {command}")
    for name, fingerprint in manifest["inputs"].items():
        if finished_input(run_dir, name, run=run) != fingerprint:
            raise StoreError(
                f"{folder.path} was made from an older {name}; bring it up to date with: "
                f"{command} force=true"
            )
    result: str = manifest["output"]
    return result


def output_fingerprint(fingerprint: str, content: int) -> str:
    """Return the fingerprint of what a stage wrote: how it was started, and every row."""
    return digest("output", fingerprint, f"{content:032x}")


def _write_started(folder: StageFolder, mine: dict[str, Any]) -> dict[str, Any]:
    """Write what the stage is started with; return that of another process if it was quicker."""
    try:
        write_json(folder.started_file, mine, replace=False)
    except FileExistsError:
        return folder.started() or _write_started(folder, mine)
    return mine


def _start_over(folder: StageFolder, claims: Claims, command: str) -> None:
    """Move what was made aside, then remove it.

    Each move is one step, and `started.json` goes last: whatever a kill leaves belongs to it.
    """
    others = claims.others()
    if others:
        name, holder = next(iter(others.items()))
        raise StoreError(
            f"cannot start {folder.path} over: {holder} is working on {name}; stop it, or leave "
            f"out force=true: {command}"
        )
    card = folder.path / "README.md"
    aside = folder.path / ".old"
    try:
        if aside.exists():  # left by a kill
            shutil.rmtree(aside)
        aside.mkdir()
        for made in (folder.manifest_file, card, folder.data, folder.rejected, folder.started_file):
            with suppress(FileNotFoundError):
                made.rename(aside / made.name)
        shutil.rmtree(aside)
    except OSError as error:
        raise StoreError(
            f"cannot start {folder.path} over: {error}; mend that, then run again: "
            f"{command} force=true"
        ) from error


def _stale_message(
    folder: StageFolder,
    started: Mapping[str, Any],
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    command: str,
) -> str:
    changes = [
        f"{name} {was!r} -> {now!r}"
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
        f"{command} force=true, or choose another run="
    )


def _differences(was: Any, now: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Return the leaves in which two nested settings differ, with dotted names."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        found = []
        for key in sorted({*was, *now}):
            dotted = f"{name}.{key}" if name else str(key)
            found += _differences(was.get(key), now.get(key), dotted)
        return found
    return [] if was == now else [(name, was, now)]
