"""One stage's folder in a run: what it was started with, what is done, and how it is closed.

    runs/<run>/<stage>/started.json   fingerprint, settings and inputs, written before any work
                       data/ rejected/ completions/ claims/
                       manifest.json  written when everything is accounted for

A stage refuses inputs or settings that are not the ones it was started with.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.ids import digest
from opencharacter.store.claims import Part
from opencharacter.store.files import read_json
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


def finished_input(run_dir: Path, stage: str, *, run: str) -> str:
    """Return the fingerprint of a finished stage's output, for a stage that reads it.

    Raises:
        StoreError: it was never run, is unfinished, or its own inputs have changed since; the
            message names the command that mends it.
    """
    folder = StageFolder(run_dir=run_dir, stage=stage)
    manifest = folder.manifest()
    started = folder.started() or {}
    command = f"python -m opencharacter stage={stage} run={shlex.quote(run)}"
    if "command" in started:  # as it was typed, but this stage alone, and all of it
        typed = re.sub(r"\s(?:force|part)=\S+", "", started["command"])
        command = re.sub(r"\bstage=\S+", f"stage={stage}", typed)
    if manifest is None:
        state = "unfinished" if started else "missing"
        raise StoreError(f"{folder.path} is {state}; first run: {command}")
    for name, fingerprint in manifest["inputs"].items():
        if finished_input(run_dir, name, run=run) != fingerprint:
            raise StoreError(
                f"{folder.path} was made from an older {name}; bring it up to date with: "
                f"{forced(command)}"
            )
    result: str = manifest["output"]
    return result


def output_fingerprint(fingerprint: str, content: int) -> str:
    """Return the fingerprint of what a stage wrote: how it was started, and every row."""
    return digest("output", fingerprint, f"{content:032x}")


def forced(command: str) -> str:
    """Return a command that starts its stages over."""
    return re.sub(r"\sforce=\S+", "", command) + " force=true"
