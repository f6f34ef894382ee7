"""Files that stand beside a stage's data, read back: whole and of their form, or an error says so.

A report that goes on without one would keep silent on what it says: that this is a part of the
suite, or that a judge is of the tested model's family.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar

import msgspec

from opencharacter.errors import StoreError
from opencharacter.stats.intervals import Estimate
from opencharacter.store.damage import damaged
from opencharacter.store.files import read_json
from opencharacter.store.rows import part_files, read_footer
from opencharacter.store.stage import StageFolder, output_fingerprint

Kind = TypeVar("Kind")


class Together(TypedDict):
    """The mean of a jury, and between what it lies without one of the judges."""

    mean: Estimate
    without: dict[str, Estimate]
    low: float | None
    high: float | None


class JuryLine(TypedDict):
    """What several judges say together in one criterion; `refused` in place of the last two."""

    answers: int
    anchors: int
    refused: NotRequired[str]
    jury: NotRequired[Together]
    alpha_ordinal: NotRequired[float | None]


class PublishedMean(TypedDict):
    """Of a task, over personas."""

    mean: float
    std: float


class Published(TypedDict):
    """What a benchmark's own code would print."""

    protocol: str
    personas: int
    answers: int
    answers_without_points: int
    means: dict[str, PublishedMean]


def read_beside(path: Path, kind: type[Kind], *, again: str = "") -> Kind | None:
    """Return what a file beside a stage's data holds; None where there is no such file.

    Args:
        path: The file, in the stage's folder.
        kind: Its form.
        again: How to have it made anew; empty = by starting its stage over.

    Raises:
        StoreError: it is damaged, or of another form.
    """
    try:
        found = read_json(path)
        return None if found is None and not path.exists() else msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise _broken(path, f"it is of another form: {error}", again) from error
    except ValueError as error:
        raise _broken(path, f"broken JSON: {error}", again) from error


def require_beside(path: Path, kind: type[Kind], *, again: str = "") -> Kind:
    """Return what a file beside a stage's data holds, as `read_beside`.

    Raises:
        StoreError: it is missing, damaged, or of another form.
    """
    found = read_beside(path, kind, again=again)
    if found is None:
        raise _broken(path, "it is missing", again)
    return found


def _broken(path: Path, what: str, again: str) -> StoreError:
    return StoreError(f"{path} is damaged ({what}); {again}") if again else damaged(path, what)


def require_whole(folder: StageFolder) -> None:
    """Check that the rows of a finished stage are still those that it was closed with.

    Raises:
        StoreError: a part is lost, or another one.
    """
    manifest = folder.manifest()
    if manifest is None:
        return
    footers = [read_footer(path) for path in part_files(folder.data)]
    content = sum(footer.digest for footer in footers) % 2**128
    if output_fingerprint(manifest.get("fingerprint", ""), content) != manifest["output"]:
        rows = sum(footer.rows for footer in footers)
        what = f"it holds {rows:,} rows in {len(footers):,} parts, and was closed with "
        what += f"{manifest['counts']['out']:,} in {manifest['parts']:,}"
        raise damaged(folder.data, what)


def as_json(value: Any) -> Any:
    """Return dataclasses and named tuples as plain JSON, by their fields' names."""
    if hasattr(value, "_asdict"):
        return {name: as_json(each) for name, each in value._asdict().items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(name): as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return value
