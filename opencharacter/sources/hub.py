"""Rows of a data set on the Hugging Face hub, streamed; the one source that needs `datasets`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from datasets import IterableDataset, load_dataset
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.file_download import repo_folder_name

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import Row, checked_row

_PATIENCE_S = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
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


def hub_commit(name: str, revision: str | None) -> str | None:
    """Return the commit of a data set that a revision stands for: the hub's word, else its cache's.

    Args:
        name: `owner/name`.
        revision: Commit, branch or tag; None = `main`.

    Returns:
        None where neither tells.
    """
    if revision and _COMMIT.fullmatch(revision):
        return revision
    try:
        return HfApi().dataset_info(name, revision=revision, timeout=_PATIENCE_S).sha
    except _FAULTS:  # the library's own errors are among them
        folder = repo_folder_name(repo_id=name, repo_type="dataset")
        return _kept(Path(HF_HUB_CACHE) / folder / "refs" / (revision or "main"))


def _kept(ref: Path) -> str | None:
    """Return the commit that the hub's cache keeps of a branch or tag."""
    try:
        commit = ref.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return commit if _COMMIT.fullmatch(commit) else None


def _open(name: str, config: str | None, revision: str | None) -> Iterator[Any]:
    rows = load_dataset(name, config, split="train", streaming=True, revision=revision)
    if not isinstance(rows, IterableDataset):
        raise TypeError(f"{type(rows)} is not a stream")
    return iter(rows)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
