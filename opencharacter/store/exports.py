"""An export: one file of rows in somebody else's layout, and its card."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from opencharacter.errors import StoreError
from opencharacter.store.files import disk_errors, whole_file
from opencharacter.store.licences import strictest
from opencharacter.store.manifest import REPLAYED

_ROWS_AT_ONCE = 2_000
# Beside errors of their own, `datasets` and the hub's client raise these: for a file or the key,
# the name of a repository, and an upload.
_REFUSALS = (OSError, ValueError, RuntimeError)


class Export(NamedTuple):
    """What was written."""

    path: Path
    replaced: Path | None
    """The same export in the other format, removed."""


def write_export(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    schema: pa.Schema,
    is_parquet: bool,
    about: Mapping[str, Any],
    command: str,
) -> Export:
    """Write `train.jsonl` or `train.parquet` and the card.

    An earlier export in the folder is replaced, in whichever format it was.

    Args:
        folder: Of this layout: one schema per folder.
        rows: All of `schema`; none at all is a file without rows.
        schema: Strings, lists and structs of strings.
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
        if is_parquet:
            _write_parquet(temporary, rows, schema)
        else:
            _write_lines(temporary, rows)
        digest = _digest(temporary)
    with disk_errors(other):
        had_other = other.exists()
        other.unlink(missing_ok=True)
    with whole_file(folder / "README.md") as temporary:
        card = _front_matter(path, digest, schema, about) + _body(path, about, command)
        temporary.write_text(card, encoding="utf-8")
    return Export(path, other if had_other else None)


def push(folder: Path, repository: str, *, is_private: bool) -> None:
    """Upload an export to the hub as a data set.

    Raises:
        StoreError: `datasets` is missing, nobody is logged in, or the hub refuses.
    """
    try:
        datasets, hub = import_module("datasets"), import_module("huggingface_hub.errors")
    except ModuleNotFoundError as error:
        raise StoreError(
            f"export.push needs the package {error.name}; pip install datasets, or push {folder} "
            "yourself: it is written"
        ) from error
    try:
        loaded = datasets.load_dataset(str(folder), split="train")
        loaded.push_to_hub(repository, private=is_private)
    # Its HTTPError is that of the HTTP library it uses, which is not the same in all its versions.
    except (*_REFUSALS, hub.HTTPError, datasets.exceptions.DatasetsError) as error:
        raise StoreError(
            f"could not push {folder} to {repository}: {error}; log in with `hf auth login`, or "
            "push the folder yourself: it is written"
        ) from error


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        stream = iter(rows)
        while batch := [dict(row) for row in islice(stream, _ROWS_AT_ONCE)]:
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _front_matter(path: Path, digest: str, schema: pa.Schema, about: Mapping[str, Any]) -> str:
    """Return the part that `datasets` reads.

    It caches by the configuration alone, so that holds what tells these rows from others; and it
    takes the type of a JSON column from the first 10 MB, where every list may be empty.
    """
    features = [{"name": field.name, **_feature(field.type)} for field in schema]
    return (
        f"---\nlicense: {strictest(about.get('licences', {})).hub}\n"
        "tags: [opencharacter, role-play, synthetic]\n"
        f"dataset_info:\n  features: {json.dumps(features)}\n"
        f"configs:\n- config_name: default\n  description: output {digest[:16]}\n"
        f"  data_files:\n  - split: train\n    path: {path.name}\n---\n\n"
    )


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """Return a type of Arrow as cards of data sets have it."""
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    if not pa.types.is_list(kind):
        return {"dtype": str(kind)}
    inner = _feature(kind.value_type)
    return {"list": inner.get("struct", inner.get("dtype", inner))}


def _body(path: Path, about: Mapping[str, Any], command: str) -> str:
    licence = strictest(about.get("licences", {}))
    parents = "\n".join(f"- {name}" for name in licence.parents)
    counts = about["counts"]
    replayed = counts.get("notes", {}).get(REPLAYED, 0)
    without = f", and {replayed:,} dialogues without a character" if replayed else ""
    run = path.parent.parent.parent.name
    return (
        f"# {run}: {counts['out'] - replayed:,} role-play dialogues{without}\n\n"
        f"{about.get('what', '')}\n\n## Licence\n\n`{licence.hub}`: it allows nothing that the "
        f"licence of a parent of the rows forbids:\n\n{parents}\n\nNot legal advice. The terms of "
        f"the models that wrote the rows hold too.\n\nMade by `{command}`.\n"
    )
