"""An export: one file of rows in somebody else's layout, and its card."""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from opencharacter.errors import StoreError
from opencharacter.store.files import disk_errors, whole_file
from opencharacter.store.licences import strictest

_ROWS_AT_ONCE = 2_000


def write_export(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    is_parquet: bool,
    about: Mapping[str, Any],
    command: str,
) -> Path:
    """Write `train.jsonl` or `train.parquet` and the card; return the file's path.

    An earlier export in the folder is replaced, whichever kind it was: one schema per folder.

    Args:
        folder: The stage's.
        rows: All of one schema.
        is_parquet: Else JSON lines.
        about: Manifest of the mixture.
        command: That made it.

    Raises:
        StoreError: the disk is full; what was there before is still there.
    """
    path, other = folder / "train.jsonl", folder / "train.parquet"
    if is_parquet:
        path, other = other, path
    with whole_file(path) as temporary:
        (_write_parquet if is_parquet else _write_lines)(temporary, rows)
    with disk_errors(other):
        other.unlink(missing_ok=True)
    with whole_file(folder / "README.md") as temporary:
        temporary.write_text(_card(path, about, command), encoding="utf-8")
    return path


def push(folder: Path, repository: str, *, is_private: bool) -> None:
    """Upload an export to the hub as a data set.

    Raises:
        StoreError: `datasets` is missing, nobody is logged in, or the hub refuses.
    """
    datasets = import_module("datasets")
    try:
        loaded = datasets.load_dataset(str(folder), split="train")
        loaded.push_to_hub(repository, private=is_private)
    except Exception as error:  # the hub's client raises many kinds
        raise StoreError(
            f"could not push {folder} to {repository}: {error}; log in with `hf auth login`, or "
            "push the folder yourself: it is written"
        ) from error


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    stream = iter(rows)
    writer: pq.ParquetWriter | None = None
    try:
        for table in _tables(stream):
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer:
            writer.close()


def _tables(stream: Iterator[Mapping[str, Any]]) -> Iterator[pa.Table]:
    while batch := list(islice(stream, _ROWS_AT_ONCE)):
        yield pa.Table.from_pylist([dict(row) for row in batch])


def _card(path: Path, about: Mapping[str, Any], command: str) -> str:
    licence = strictest(about.get("licences", {}))
    parents = "\n".join(f"- {name}" for name in licence.parents)
    return (
        f"---\nlicense: {licence.hub}\ntags: [opencharacter, role-play, synthetic]\nconfigs:\n"
        f"- config_name: default\n  data_files:\n  - split: train\n    path: {path.name}\n---\n\n"
        f"# {path.parent.parent.name}: {about['counts']['out']:,} role-play dialogues\n\n"
        f"{about.get('what', '')}\n\n## Licence\n\n`{licence.hub}`, the strictest of what the rows "
        f"were made from:\n\n{parents}\n\nAn ordering, not legal advice. The terms of the models "
        f"that wrote the rows hold too.\n\nMade by `{command}`.\n"
    )
