"""Checkpoints that a training may go on from, and those that it may not.

transformers takes the checkpoint with the highest number, whole or not. Here one counts only with
its marker, `COMPLETE.json`, which rank 0 writes when every rank has written its share and all of it
is on the disk. The marker says what the checkpoint is of: step, ranks, settings, data, versions,
and the size of each file with a hash of a sample of it.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import TrainConfig
from opencharacter.errors import StoreError
from opencharacter.store.files import read_json, sampled, sync_folder, write_json

MARKER = "COMPLETE.json"
_ROOM = 1.2  # of a checkpoint: the one that is being written, and a little more

_NAME = re.compile(r"checkpoint-(\d+)")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SAYS_FULL = re.compile(
    r"No space left|[Qq]uota exceeded|file write failed|os error (28|122|27)\b|unexpected pos \d"
)


class Layout(NamedTuple):
    """How a step's rows are shared out."""

    world_size: int
    accumulation: int
    """Times that a rank takes rows before a step."""
    device_rows: int
    """Rows that it takes at once."""
    deepspeed: str = "none"

    @property
    def step_rows(self) -> int:
        """Rows of one optimizer step."""
        return self.world_size * self.accumulation * self.device_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a checkpoint and the training that goes on from it have in common."""

    settings: Mapping[str, Any]
    """Those that decide what is learned, as plain JSON."""
    data: str
    """Fingerprint of the rows."""
    packs: str
    """Fingerprint of which rows stand together."""
    versions: Mapping[str, str]
    """Of the libraries; another one is told, and not refused."""


class Resume(NamedTuple):
    """A whole checkpoint to go on from."""

    path: Path
    step: int
    notes: tuple[str, ...] = ()
    """What is worth telling, a sentence each."""


def checkpoints(folder: Path) -> list[Path]:
    """Return all checkpoints of a folder, whole or not, the newest first."""
    found = [(step_of(path), path) for path in folder.glob("checkpoint-*") if step_of(path) >= 0]
    return [path for _, path in sorted(found, reverse=True)]


def step_of(path: Path) -> int:
    """Return the optimizer step in a checkpoint's name; -1 if it is none."""
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else -1


def is_whole(path: Path) -> bool:
    """Say whether a checkpoint has its marker, and each file as the marker tells."""
    try:
        marker: Any = read_json(path / MARKER)
        sizes = {str(name): int(size) for name, size in marker["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    if sizes != _sizes(path):
        return False
    # The first markers had no samples: their checkpoints must not be removed as unfinished.
    return "samples" not in marker or marker["samples"] == _samples(path)


def mark_whole(path: Path, identity: Identity, layout: Layout) -> None:
    """Write the marker of a checkpoint that every rank has finished, when it is on the disk.

    Raises:
        StoreError: the disk is full.
    """
    for file in _files(path):
        _sync(file)
    for inner in {file.parent for file in _files(path)} | {path, path.parent}:
        sync_folder(inner)
    write_json(
        path / MARKER,
        {
            "step": step_of(path),
            **layout._asdict(),
            "settings": dict(identity.settings),
            "data": identity.data,
            "packs": identity.packs,
            "versions": dict(identity.versions),
            "files": _sizes(path),
            "samples": _samples(path),
        },
    )


def find_resume(folder: Path, identity: Identity, layout: Layout) -> Resume | None:
    """Return the newest whole checkpoint; None where there is none.

    Raises:
        StoreError: it is of other settings or other data, or its states fit other ranks only.
    """
    whole = [path for path in checkpoints(folder) if is_whole(path)]
    if not whole:
        return None
    newest = whole[0]
    marker: Any = read_json(newest / MARKER)
    _refuse_other(newest, marker, identity)
    was = Layout(*(marker[name] for name in Layout._fields))
    _refuse_other_layout(newest, was, layout)
    return Resume(newest, step_of(newest), tuple(_notes(marker, identity, was, layout)))


def remove_partial(folder: Path) -> list[Path]:
    """Remove checkpoints that are not whole, and return them; no training may be writing."""
    partial = [path for path in checkpoints(folder) if not is_whole(path)]
    for path in partial:
        _remove(path)
    return partial


def remove_older(folder: Path, *, keep: int, best: Path | None) -> None:
    """Remove whole checkpoints but the newest `keep`, and the best one."""
    whole = [path for path in checkpoints(folder) if is_whole(path)]
    for path in whole[max(keep, 1) :]:
        if best is None or path.name != best.name:
            _remove(path)


def checkpoint_bytes(
    config: TrainConfig, *, parameters: int, trainable: int, weight_bytes: int
) -> int:
    """Return about how large a checkpoint is.

    Weights, and AdamW's two moments in their precision; DeepSpeed adds float32 weights and keeps
    its moments in float32, and writes its own copy of the weights. Of adapters, themselves alone.

    Args:
        config: Of the training.
        parameters: Of the model.
        trainable: Of them, those that change.
        weight_bytes: Of a parameter as it is trained.
    """
    weights = (parameters if config.tuning == "full" else trainable) * weight_bytes
    if config.deepspeed == "none":
        return weights + 2 * trainable * weight_bytes
    return 2 * weights + 12 * trainable


def require_space(folder: Path, size: int, *, held: int, freed: int = 0) -> None:
    """Check that there is room for the checkpoints of a training, before it begins.

    Args:
        folder: Where they go; checkpoints that are there count as room.
        size: Of one, in bytes.
        held: Whole ones that stay while the next is written: the last one, and the best.
        freed: Bytes that are there now and will be free before the first is written.

    Raises:
        StoreError: there is not.
    """
    there = sum(sum(_sizes(path).values()) for path in checkpoints(folder))
    needed = int((held + _ROOM) * size) - there - freed
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"{folder} has {_gib(free)} GiB free, and its checkpoints need {_gib(needed)}: each "
            f"has about {_gib(size)}, and {held} stay while the next is written; free some space, "
            "or set runs_dir to a larger disk"
        )


@contextmanager
def disk_may_fill(folder: Path, *, is_first: bool) -> Iterator[None]:
    """Tell of a disk that fills up while a checkpoint is written, in one line.

    Raises:
        StoreError: it did. What was written of the checkpoint is removed by rank 0, which gives
            back room; the last whole one stays.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        partial = [path for path in checkpoints(folder) if not is_whole(path)]
        whole = [path for path in checkpoints(folder) if is_whole(path)]
        for path in partial if is_first else ():
            _remove(path)
        name = partial[0].name if partial else "a checkpoint"
        kept = f"{whole[0].name} is whole, and is gone on from" if whole else "there is none yet"
        raise StoreError(
            f"the disk is full while writing {name} of {folder}; {kept}; free some space and give "
            "the same command again"
        ) from error


def _is_full(error: BaseException | None) -> bool:
    """Say whether an error, or what it came from, tells of a full disk.

    torch and safetensors have no error number: they say it in words.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if _SAYS_FULL.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refuse_other(path: Path, marker: Mapping[str, Any], identity: Identity) -> None:
    changed = _differences(marker["settings"], identity.settings)
    if marker["data"] != identity.data:
        changed.append("the rows are others")
    elif marker.get("packs", identity.packs) != identity.packs:  # older markers do not tell
        changed.append("the same rows are packed otherwise, as by another version")
    if changed:
        shown = "; ".join(changed[:4]) + (f"; and {len(changed) - 4} more" * (len(changed) > 4))
        raise StoreError(
            f"{path} is of another training ({shown}); give back what it was made with, or start "
            "over with force=true"
        )


def _refuse_other_layout(path: Path, was: Layout, now: Layout) -> None:
    if was.step_rows != now.step_rows:
        raise StoreError(
            f"{path} was made with {was.step_rows} rows a step ({was.world_size} ranks), now there "
            f"are {now.step_rows} ({now.world_size} ranks): its place in the rows would be another "
            "one; keep train.global_tokens, and choose ranks that divide it"
        )
    if was.deepspeed != now.deepspeed:
        raise StoreError(
            f"{path} was made with deepspeed={was.deepspeed}, now it is {now.deepspeed}: the "
            f"optimizer's states do not fit; go on with deepspeed={was.deepspeed}"
        )
    if was.deepspeed != "none" and was.world_size != now.world_size:
        raise StoreError(
            f"{path} was made by {was.world_size} ranks, now there are {now.world_size}: the "
            f"optimizer's states of deepspeed={was.deepspeed} are cut for {was.world_size}; go on "
            f"with {was.world_size} ranks, or start over with force=true"
        )


def _notes(
    marker: Mapping[str, Any], identity: Identity, was: Layout, now: Layout
) -> Iterator[str]:
    if was.world_size != now.world_size:
        yield (
            f"{was.world_size} ranks have become {now.world_size}; a step has as many rows as "
            "before, and what dropout draws is new"
        )
    changed = _differences(marker["versions"], identity.versions)
    if changed:
        yield f"the checkpoint was made with other libraries ({'; '.join(changed)})"


def _differences(was: Mapping[str, Any], now: Mapping[str, Any], above: str = "") -> list[str]:
    """Return in which settings two trainings differ, as `name old -> new`."""
    found = []
    for name in sorted({*was, *now}):
        old, new = was.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _differences(old, new, f"{above}{name}.")
        elif old != new:
            found.append(f"{above}{name} {old!r} -> {new!r}")
    return found


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name != MARKER)


def _sizes(path: Path) -> dict[str, int]:
    return {str(file.relative_to(path)): file.stat().st_size for file in _files(path)}


def _samples(path: Path) -> dict[str, str]:
    """Return a hash of each file's sample: of a terabyte a few megabytes are read."""
    found: dict[str, str] = {}
    for file in _files(path):
        hashed = hashlib.sha256()
        for block in sampled(file):
            hashed.update(block)
        found[str(file.relative_to(path))] = hashed.hexdigest()[:16]
    return found


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove a checkpoint; its marker first, so that a kill in between leaves no whole one."""
    with suppress(FileNotFoundError):
        (path / MARKER).unlink()
    shutil.rmtree(path)


def _gib(size: int) -> str:
    return f"{size / 2**30:,.2f}"
