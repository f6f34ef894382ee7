"""The log of model calls: one JSON line per completion, appended, found again by its key.

A killed process repeats no call that is in a log. A torn last line is expected and dropped.
"""

import json
import os
import secrets
import time
from collections import ChainMap
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from opencharacter.errors import StoreError
from opencharacter.ids import canonical_json
from opencharacter.store.claims import Part
from opencharacter.store.files import disk_errors

_SYNC_EVERY_S = 2.0
_FIELDS = frozenset({"text", "finish", "prompt_tokens", "cached_tokens", "output_tokens"})
"""What a shared completion has at least: files come from other machines too."""


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

    def __init__(self, folder: Path, origin: str = "") -> None:
        """Read nothing yet; nothing is written before the first answer.

        Args:
            folder: Of the files.
            origin: Who answers, where a key does not tell: what a run's own log holds of another
                origin, or of one that it does not name, is never copied here.
        """
        self.folder = folder
        self.origin = origin
        self._path = folder / f"{secrets.token_hex(8)}.jsonl"
        self._descriptor = -1
        self.damaged: dict[Path, int] = {}
        """Lines of files that cannot be used, known once `places` is."""
        self.served: set[str] = set()
        """What servers called the models that gave the answers which were asked or looked up."""

    @cached_property
    def places(self) -> dict[bytes, Place]:
        """Where each completion stands, by its key; read from the folder when first asked for.

        A line that a kill has torn ends its file, and is dropped; any other line that is no whole
        completion is counted in `damaged`.

        Raises:
            StoreError: the folder is none, or a file in it cannot be read.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError(
                f"{self.folder} is no folder, and completions that runs share are kept in one; "
                "check judge.cache"
            )
        found: dict[bytes, Place] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            try:
                found |= self._indexed(path)
            except OSError as error:
                raise StoreError(
                    f"cannot read {path}: {error.strerror}; take it out of that folder: what it "
                    "holds is asked again"
                ) from error
        return found

    def _indexed(self, path: Path) -> dict[bytes, Place]:
        places: dict[bytes, Place] = {}
        offset = damaged = 0
        with path.open("rb") as file:
            for line in file:
                key = _key_of(line, _FIELDS)
                if key is not None:
                    places[key] = Place(path, offset, len(line))
                elif line.endswith(b"\n") and line.strip():
                    damaged += 1
                offset += len(line)
        if damaged:
            self.damaged[path] = damaged
        return places

    def append(self, key: bytes, line: bytes) -> None:
        """Add a whole line of a log.

        Raises:
            StoreError: the disk is full, or the folder may not be written to.
        """
        with disk_errors(self._path):
            if self._descriptor < 0:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(
                    self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644
                )
            offset = os.fstat(self._descriptor).st_size
            rest = line
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self.places[key] = Place(self._path, offset, len(line))

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
        is_own = self._shared is None or place.path.parent == self._path.parent
        try:
            with place.path.open("rb") as file:
                file.seek(place.offset)
                line = file.read(place.length)
        except FileNotFoundError:
            if is_own:
                raise
            return None  # whoever owns the shared folder has removed it meanwhile: asked again
        found: dict[str, Any] = json.loads(line)
        if self._shared:
            self._shared.served.add(found.get("served", ""))
        if (
            self._shared
            and bytes.fromhex(key) not in self._shared.places
            and found.get("origin") == self._shared.origin
        ):
            self._shared.append(bytes.fromhex(key), line)  # a kill came between the two logs
        return found

    def append(self, key: str, completion: dict[str, Any]) -> None:
        """Add a completion; it is on disk within two seconds.

        Raises:
            StoreError: the disk is full.
        """
        origin = {"origin": self._shared.origin} if self._shared else {}
        line = canonical_json({"key": key, **completion, **origin}) + b"\n"
        with disk_errors(self._path):
            written = os.write(self._descriptor, line)
            if written < len(line):  # the disk filled up inside the line
                os.write(self._descriptor, line[written:])
            if time.monotonic() - self._synced > _SYNC_EVERY_S:
                os.fdatasync(self._descriptor)
                self._synced = time.monotonic()
        if self._shared:
            self._shared.served.add(completion.get("served", ""))
            self._shared.append(bytes.fromhex(key), line)

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


def _key_of(line: bytes, fields: frozenset[str] = frozenset()) -> bytes | None:
    """Return the key of a whole line, None of a torn one, or one without some of the fields."""
    try:
        found = json.loads(line)
        key = bytes.fromhex(found["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return key if fields <= found.keys() else None
