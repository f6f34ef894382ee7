"""One stage's folder in a run: what it was started with, what is done, and how it is closed.

    runs/<run>/<stage>/started.json   fingerprint, settings and inputs, written before any work
                       data/ rejected/ completions/ claims/
                       manifest.json  written when everything is accounted for

A stage refuses inputs or settings that are not the ones it was started with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.ids import digest
from opencharacter.store.claims import Part
from opencharacter.store.commands import alone, first, forced, placed, plain
from opencharacter.store.damage import damaged
from opencharacter.store.files import read_json
from opencharacter.store.rows import part_files, read_columns

_STARTED = {"fingerprint", "settings", "inputs", "command", "at"}
_MANIFEST = {"stage", "output", "inputs", "settings", "counts", "usage", "seconds", "parts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFolder:
    """Where one stage of one run keeps its files."""

    run_dir: Path
    stage: str
    beside: tuple[str, ...] = ()
    """Files and folders that the stage writes beside its records: what starts it over removes them
    too."""

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
        """Return the manifest, None while the stage is unfinished.

        Raises:
            StoreError: it is damaged.
        """
        return _read(self.manifest_file, _MANIFEST)

    def started(self) -> dict[str, Any] | None:
        """Return what the stage was started with, None if it never was.

        Raises:
            StoreError: it is damaged.
        """
        return _read(self.started_file, _STARTED)

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
            keys |= {"/".join(map(str, row)) for row in read_columns([path], key_columns)}
            keys |= {row[0] for row in read_columns([self.rejected / path.name], ["key"])}
        return keys


def _read(path: Path, names: set[str]) -> dict[str, Any] | None:
    """Return the object in a file that has these names; None where there is no such file."""
    try:
        found = read_json(path)
    except ValueError as error:
        raise damaged(path, f"broken JSON: {error}") from error
    if found is None and not path.exists():
        return None
    if not isinstance(found, dict):
        raise damaged(path, "it holds no JSON object")
    if absent := names - found.keys():
        raise damaged(path, f"it lacks '{min(absent)}'")
    return found


def stage_fingerprint(stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return the hash of everything that decides what a stage asks and keeps."""
    return digest("stage", stage, settings, inputs)


def finished_input(run_dir: Path, stage: str, *, run: str, typed: str = "") -> str:
    """Return the fingerprint of a finished stage's output, for a stage that reads it.

    Args:
        run_dir: Folder of the run.
        stage: The one that is read.
        run: Its name.
        typed: Command of the stage that reads it, if that is one of the same run: a stage that was
            never started is made with the same words.

    Raises:
        StoreError: it was never run, is unfinished, or its own inputs have changed since; the
            message names the command that mends it.
    """
    folder = StageFolder(run_dir=run_dir, stage=stage)
    manifest = folder.manifest()
    started = folder.started() or {}
    here = run_dir.parent / Path(run).name
    command = first(typed, stage) or plain(here, stage)
    if "command" in started:  # as it was typed, but this stage alone, and all of it
        command = alone(started["command"], stage)
    command = placed(command, here)
    if manifest is None:
        state = "unfinished" if started else "missing"
        raise StoreError(f"{folder.path} is {state}; first run: {command}")
    for name, fingerprint in manifest["inputs"].items():
        if finished_input(run_dir, name, run=run, typed=typed) != fingerprint:
            raise StoreError(
                f"{folder.path} was made from an older {name}; bring it up to date with: "
                f"{forced(command)}"
            )
    result: str = manifest["output"]
    return result


def output_fingerprint(fingerprint: str, content: int) -> str:
    """Return the fingerprint of what a stage wrote: how it was started, and every row."""
    return digest("output", fingerprint, f"{content:032x}")
