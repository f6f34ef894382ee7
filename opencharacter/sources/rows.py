"""Rows of a source, one at a time: where each stands, or why it is none.

A source is what one path names: a file, a folder of files, the rows inside the package, or a data
set on the hub. Reading it again gives the same rows in the same order.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.json_list import is_list, read_list
from opencharacter.sources.lines import Lines, Row, read_json_lines, read_range, read_text_lines

EMBEDDED_LICENCE = "Apache-2.0"
_EMBEDDED = Path(__file__).parent / "embedded"
_KNOWN = (".json", ".jsonl", ".parquet", ".txt")
_HUB = "hub:"
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_SOON_BYTES = 1_000_000_000


class Reading(NamedTuple):
    """How far the reading of a source is."""

    rows: int
    n_bytes: int
    of_bytes: int
    """Of all files; 0 = not known."""


Watch = Callable[[Reading], None]


@contextmanager
def _unwatched() -> Iterator[Watch]:
    yield lambda _reading: None


@dataclass(slots=True)
class Tally:
    """What became of a source's rows: `rows` = records + rejections + `not_drawn`."""

    rows: int = 0
    """Rows met, blank lines apart."""
    not_drawn: int = 0
    """Good rows that the sample left out."""
    notes: dict[str, int] = field(default_factory=dict)
    """What the reader of a report should know, each with a count."""
    unmet: list[str] = field(default_factory=list)
    """What was asked for and could not be had, a sentence each."""
    read_from: dict[str, str] = field(default_factory=dict)
    """Of data sets on the hub, the commit that was read, by the path that names them."""

    watched: Callable[[], AbstractContextManager[Watch]] = _unwatched
    """Opened around a long reading that yields nothing yet; gives what is told how far it is."""

    def note(self, what: str, count: int = 1) -> None:
        """Add `count` to the note `what`."""
        self.notes[what] = self.notes.get(what, 0) + count


class Kind(StrEnum):
    """How the rows of a file are kept."""

    json_lines = "json_lines"
    json_list = "json_list"
    text = "text"
    parquet = "parquet"
    hub = "hub"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, or one data set on the hub."""

    shown: str
    """Its name in origins, such as `persona.jsonl` or `folder/part1.jsonl`."""
    kind: Kind
    path: Path | None = None
    """None on the hub."""
    hub: tuple[str, str | None, str | None] = ("", None, None)
    """Id, configuration and revision; on the hub only."""

    def place(self, number: int) -> str:
        """Return where row `number` stands: `file:line`, or `file#entry` without lines."""
        mark = ":" if self.kind in (Kind.json_lines, Kind.text) else "#"
        return f"{self.shown}{mark}{number}"

    def rows(self, text_key: str = "text") -> Iterator[Row | Rejection]:
        """Read the rows, in constant memory.

        Args:
            text_key: Key of a line of a .txt file.

        Raises:
            SourceError: The file cannot be read, or is broken as a whole.
        """
        try:
            yield from self._read(text_key)
        except OSError as error:
            raise self._unreadable(error) from error

    def read_range(self, start: int, stop: int) -> Lines | None:
        """Read the lines of JSON that begin in a range of bytes; None where none does.

        Raises:
            SourceError: The file cannot be read, or it is none of lines.
        """
        try:
            if self.path is None or self.kind is not Kind.json_lines:
                raise SourceError(f"{self.shown} has no lines of JSON; read its rows instead")
            return read_range(self.path, start, stop)
        except OSError as error:
            raise self._unreadable(error) from error

    def size(self) -> int:
        """Return the bytes of the file; 0 on the hub.

        Raises:
            SourceError: The file is gone.
        """
        try:
            return self.path.stat().st_size if self.path else 0
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> SourceError:
        return SourceError(
            f"cannot read {self.shown}: {error.strerror or error}; "
            "check the file, its permissions and the disk"
        )

    def _read(self, text_key: str) -> Iterator[Row | Rejection]:
        if self.path is None:
            yield from _hub_reader()(*self.hub)
        elif self.kind is Kind.parquet:
            # Late: pyarrow takes tenths of a second to import.
            parquet = import_module("opencharacter.sources.parquet")
            yield from parquet.read_parquet(self.path, self.shown)
        elif self.kind is Kind.json_list:
            yield from read_list(self.path, self.shown)
        elif self.kind is Kind.text:
            yield from read_text_lines(self.path, self.shown, text_key)
        else:
            yield from read_json_lines(self.path, self.shown)


@dataclass(frozen=True, slots=True)
class Source:
    """What one path names."""

    name: str
    """Part of every record's id: file stem, folder name, hub id, or `embedded`."""
    files: tuple[SourceFile, ...]
    asked: str
    """The path as the user wrote it."""
    location: Path | None = None
    """Absolute; None for the package's own rows and the hub."""


def open_source(
    path: str,
    embedded: str | None = None,
    *,
    hub_config: str | None = None,
    revision: str | None = None,
) -> Source:
    """Find the files behind a path; nothing but the first bytes of .json files is read yet.

    Args:
        path: A file or folder, `embedded`, `embedded/NAME` for another list of the package, or
            `hub:owner/name[:config][@revision]`.
        embedded: File name of the rows inside the package; None = there are none to choose.
        hub_config: Configuration of the hub data set, unless the path names one.
        revision: Commit or tag of the hub data set, unless the path names one.

    Raises:
        SourceError: There is nothing to read.
    """
    named = embedded_file(path) if embedded is not None else None
    if path == "embedded" and embedded is not None:
        named = _EMBEDDED / embedded
    if named is not None:
        file = SourceFile(f"embedded/{named.name}", Kind.json_lines, named)
        return Source("embedded" if path == "embedded" else named.stem, (file,), path)
    if path.startswith(_HUB):
        return _hub_source(path, hub_config, revision)
    if not path.strip():
        raise SourceError("the path of a source is empty; name a file, a folder, or embedded")
    try:
        return _local_source(path, has_embedded=embedded is not None)
    # ValueError: a path with a zero byte in it.
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot open {path!r} ({error}); check the path") from error


def embedded_file(path: str) -> Path | None:
    """Return the file of the package that `embedded/NAME` stands for; None = there is none."""
    file = _EMBEDDED / f"{path.removeprefix('embedded/')}.jsonl"
    is_named = path.startswith("embedded/") and file.parent == _EMBEDDED
    return file if is_named and file.is_file() else None


def is_soon_read(path: str) -> bool:
    """Return whether a source is on this machine and no larger than a gigabyte: half a minute."""
    if path.startswith(_HUB):
        return False
    location = Path(path).expanduser()
    files = location.iterdir() if location.is_dir() else [location]
    return sum(file.stat().st_size for file in files if file.is_file()) <= _SOON_BYTES


def hub_files(path: str, pattern: str) -> Path | None:
    """Return a folder with files of a data set as they are on the hub, or in its cache.

    Args:
        path: `hub:owner/name[@revision]`.
        pattern: Of the files' paths.

    Returns:
        None where neither has the data set.

    Raises:
        SourceError: the path names no data set, or its library is not installed.
    """
    name, _, revision = _hub_source(path, None, None).files[0].hub
    found: Path | None = _hub().hub_files(name, revision, pattern)
    return found


def hub_commit(path: str, revision: str | None) -> str | None:
    """Return the commit of a data set that would be read; None where nothing tells.

    Args:
        path: `hub:owner/name`.
        revision: Commit or tag; None = what the hub holds now, or its cache without a network.

    Raises:
        SourceError: the path names no data set, or its library is not installed.
    """
    name, _, _ = _hub_source(path, None, None).files[0].hub
    found: str | None = _hub().hub_commit(name, revision)
    return found


def _hub_reader() -> Callable[[str, str | None, str | None], Iterator[Row | Rejection]]:
    reader: Callable[[str, str | None, str | None], Iterator[Row | Rejection]] = _hub().read_hub
    return reader


def _hub() -> ModuleType:
    """Import late: `datasets` takes seconds, and a light installation does without."""
    try:
        return import_module("opencharacter.sources.hub")
    except ModuleNotFoundError as error:
        raise SourceError(
            f"reading from the hub needs the package {error.name}; pip install datasets, or "
            "download the files and set the path to their folder"
        ) from error


def _local_source(path: str, *, has_embedded: bool) -> Source:
    location = Path(path).expanduser().resolve()
    if location.is_dir():
        # The folder of a stage, which `datasets` takes too.
        is_stage = (location / "started.json").is_file() and (location / "data").is_dir()
        rows = location / "data" if is_stage else location
        return Source(location.name, _folder_files(rows, location.name, path), path, location)
    if not location.exists():
        looked = "" if str(location) == path else f" (looked for {location})"
        advice = "check the path, or set it to embedded" if has_embedded else "check the path"
        raise SourceError(f"there is no {path}{looked}; {advice}")
    return Source(location.stem, (_file(location, path),), path, location)


def with_distinct_names(sources: Sequence[Source]) -> list[Source]:
    """Return the sources, those of equal name renamed by as much of the path as sets them apart.

    The names do not depend on the order of the sources.

    Raises:
        SourceError: One source is named twice.
    """
    names = Counter(source.name for source in sources)
    return [source if names[source.name] == 1 else _renamed(source, sources) for source in sources]


def no_rows(asked: str) -> SourceError:
    """Return the error for a source without a single row."""
    return SourceError(
        f"{asked} has no rows: it is empty or holds blank lines only; "
        "name another path, or make the file again"
    )


def _renamed(source: Source, sources: Sequence[Source]) -> Source:
    rivals = [other for other in sources if other.name == source.name and other is not source]
    if source.location is None and all(other.location for other in rivals):
        return source
    for depth in range(1, 1 + len(source.location.parts if source.location else ())):
        name = _tail(source, depth)
        if all(_tail(other, depth) != name for other in rivals):
            files = tuple(replace(file, shown=_shown(name, file)) for file in source.files)
            return replace(source, name=name, files=files)
    raise SourceError(f"{source.asked} is named twice; name each path once")


def _tail(source: Source, depth: int) -> str:
    return "/".join(source.location.parts[-depth:]) if source.location else source.name


def _shown(name: str, file: SourceFile) -> str:
    """Return the name of a file of the source `name`, which is the file's path or its folder's."""
    last = file.path.name if file.path else ""
    return name if name.split("/")[-1] == last else f"{name}/{last}"


def _hub_source(path: str, hub_config: str | None, revision: str | None) -> Source:
    name, at, pinned = path.removeprefix(_HUB).partition("@")
    repository, _, config = name.partition(":")
    if repository.count("/") != 1 or not all(repository.split("/")) or bool(at) != bool(pinned):
        raise SourceError(
            f"{path} names no data set; write hub:owner/name, with :configuration or @revision "
            "behind it, or both in this order"
        )
    # The revision is no part of the name: pinning a set does not change what its rows are called.
    where = (repository, config or hub_config, pinned or revision)
    return Source(name, (SourceFile(name, Kind.hub, hub=where),), path)


def _folder_files(folder: Path, name: str, asked: str) -> tuple[SourceFile, ...]:
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _KNOWN and file.is_file() and not file.name.startswith(".")
    )
    if not files:
        raise SourceError(
            f"the folder {asked} holds none of {_listed()} (looked in it, not below it); "
            "name a folder that does, or a file; compressed ones are to be unpacked"
        )
    return tuple(
        replace(_file(file, f"{asked}/{file.name}"), shown=f"{name}/{file.name}") for file in files
    )


def _file(file: Path, asked: str) -> SourceFile:
    if not file.is_file():
        raise SourceError(f"{asked} is neither a file nor a folder; copy it into a file first")
    return SourceFile(file.name, _kind(file, asked), file)


def _kind(file: Path, asked: str) -> Kind:
    match file.suffix.lower():
        case ".jsonl":
            return Kind.json_lines
        case ".txt":
            return Kind.text
        case ".parquet":
            return Kind.parquet
        case ".json":
            return Kind.json_list if is_list(file, asked) else Kind.json_lines
    if file.suffix.lower() in _PACKED:
        raise SourceError(f"{asked} is compressed; unpack it, and name what was in it")
    raise SourceError(f"{asked} ends in none of {_listed()}; convert or rename it")


def _listed() -> str:
    return ", ".join(_KNOWN)
