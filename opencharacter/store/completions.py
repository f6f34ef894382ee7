"""The log of model calls: one JSON line per completion, appended, found again by its key.

A killed process repeats no call that is in a log. A torn last line is expected and dropped.
"""

import json
import os
import secrets
import time
from collections import ChainMap
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from opencharacter.ids import canonical_json
from opencharacter.store.claims import Part
from opencharacter.store.files import disk_errors

_SYNC_EVERY_S = 2.0


class Place(NamedTuple):
    """Where a completion stands: memory holds keys and places only."""

    path: Path
    offset: int
    length: int


def other_partitions(folder: Path, of: int) -> dict[bytes, Place]:
    """Index the logs left by runs with another number of `parts`: the same work may be there.

    Args:
        folder: A stage's completions.
        of: Leave out the logs of this partition.
    """
    places: dict[bytes, Place] = {}
    for path in sorted(folder.glob("part-*.jsonl")):
        if not path.stem.endswith(f"-of-{of:05d}"):
            places |= _index(path)
    return places


class SharedCompletions:
    """Completions that many runs share, for good: a folder of files, each written by one process.

    Copying files in or out shares them with other machines.
    """

    def __init__(self, folder: Path) -> None:
        """Index what is there; nothing is written before the first answer."""
        self._folder = folder
        self._path = folder / f"{secrets.token_hex(8)}.jsonl"
        self.places: dict[bytes, Place] = {}
        for path in sorted(folder.glob("*.jsonl")):
            self.places |= _index(path)
        self._descriptor = -1

    def append(self, line: bytes) -> None:
        """Add a whole line of a log.

        Raises:
            StoreError: the disk is full, or the folder may not be written to.
        """
        with disk_errors(self._path):
            if self._descriptor < 0:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(
                    self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644
                )
            while line:
                line = line[os.write(self._descriptor, line) :]

    def close(self) -> None:
        """Sync and close; closing twice is fine."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.fdatasync(descriptor)
            os.close(descriptor)


class CompletionLog:
    """The completions of one part: one open file, however many logs there are."""

    def __init__(
        self,
        folder: Path,
        part: Part,
        others: dict[bytes, Place],
        shared: SharedCompletions | None = None,
    ) -> None:
        """Index what is there and open the part's log for appending.

        Args:
            folder: Where logs are.
            part: Whose log it is.
            others: From `other_partitions`, looked up after the part's own log.
            shared: Looked up last, and given what is new.
        """
        self._shared = shared
        self._path = folder / f"{part.name}.jsonl"
        self._synced = time.monotonic()
        with disk_errors(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._places = ChainMap(_index(self._path), others, shared.places if shared else {})
        self._end_torn_line()

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Sync and close."""
        self.close()

    def __len__(self) -> int:
        """Return how many completions can be looked up."""
        return len(self._places)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what was appended under `key` (64 hex digits), or None."""
        place = self._places.get(bytes.fromhex(key))
        if place is None:
            return None
        with place.path.open("rb") as file:
            file.seek(place.offset)
            found: dict[str, Any] = json.loads(file.read(place.length))
        return found

    def append(self, key: str, completion: dict[str, Any]) -> None:
        """Add a completion; it is on disk within two seconds.

        Raises:
            StoreError: the disk is full.
        """
        line = canonical_json({"key": key, **completion}) + b"\n"
        with disk_errors(self._path):
            written = os.write(self._descriptor, line)
            if written < len(line):  # the disk filled up inside the line
                os.write(self._descriptor, line[written:])
            if time.monotonic() - self._synced > _SYNC_EVERY_S:
                os.fdatasync(self._descriptor)
                self._synced = time.monotonic()
        if self._shared:
            self._shared.append(line)

    def close(self) -> None:
        """Sync and close; closing twice is fine."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            with disk_errors(self._path):
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _end_torn_line(self) -> None:
        """Close a line torn by a kill, so that the next one starts at its own beginning."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            with disk_errors(self._path):
                os.write(self._descriptor, b"\n")


def _index(path: Path) -> dict[bytes, Place]:
    places: dict[bytes, Place] = {}
    offset = 0
    with path.open("rb") as file:
        for line in file:
            key = _key_of(line)
            if key is not None:
                places[key] = Place(path, offset, len(line))
            offset += len(line)
    return places


def _key_of(line: bytes) -> bytes | None:
    """Return the key of a whole line, None of a torn one."""
    try:
        return bytes.fromhex(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        return None
