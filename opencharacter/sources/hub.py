"""Rows of a data set on the Hugging Face hub, streamed; the one source that needs `datasets`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from datasets import IterableDataset, load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import snapshot_download

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import Row, checked_row

_FAULTS = (OSError, ValueError, RuntimeError, DatasetsError, httpx.HTTPError)


def read_hub(name: str, config: str | None, revision: str | None) -> Iterator[Row | Rejection]:
    """Stream the split `train` of a data set; nothing is kept on disk.

    Args:
        name: `owner/name`.
        config: Configuration; None = the data set's default.
        revision: Commit or tag; None = what the hub holds now.

    Raises:
        SourceError: The hub cannot be reached, or does not have it.
    """
    number = 0
    try:
        for value in _open(name, config, revision):
            number += 1
            yield checked_row(value, number, f"{name}#{number}")
    except _FAULTS as error:
        raise SourceError(
            f"cannot stream hub:{name} after row {number:,} ({_first_line(error)}); check the "
            "name, the configuration and the network (gated sets need HF_TOKEN), or download "
            "its files and set the path to their folder"
        ) from error


def hub_files(name: str, revision: str | None, pattern: str) -> Path | None:
    """Return a folder with files of a data set as they are on the hub; from the cache offline.

    Args:
        name: `owner/name`.
        revision: Commit or tag; None = what the hub holds now.
        pattern: Of paths, such as `*/benchmark-v1/*.json`; others are not fetched.

    Returns:
        The snapshot's folder; None where neither the hub nor the cache has the data set.
    """
    try:
        return Path(
            snapshot_download(
                name, repo_type="dataset", revision=revision, allow_patterns=[pattern]
            )
        )
    except _FAULTS:
        return None


def _open(name: str, config: str | None, revision: str | None) -> Iterator[Any]:
    rows = load_dataset(name, config, split="train", streaming=True, revision=revision)
    if not isinstance(rows, IterableDataset):
        raise TypeError(f"{type(rows)} is not a stream")
    return iter(rows)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
