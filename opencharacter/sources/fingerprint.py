"""Which content a source had, so that a run started from another one is refused."""

import hashlib
from importlib.resources import files
from pathlib import Path

from opencharacter.ids import digest
from opencharacter.sources.rows import embedded_file, open_source

_WHOLE_UP_TO = 256 * 2**20  # bytes; of larger files the size, the head and the tail are hashed
_SAMPLE = 2**20


def source_fingerprint(path: str, revision: str | None = None) -> str:
    """Return a hash of a source's content; of a hub data set, of its name and revision.

    What the files hold counts, in the order of their names; times do not, nor where they are.

    Raises:
        SourceError: there is nothing to read.
    """
    if path.startswith("hub:"):
        return digest(path, revision)
    if path == "embedded":
        root = Path(str(files("opencharacter.sources"))) / "embedded"
    elif named := embedded_file(path):
        root = named
    else:
        open_source(path, embedded="", hub_config=None, revision=None)
        root = Path(path).expanduser()
    return content_fingerprint(root)


def content_fingerprint(root: Path) -> str:
    """Return a hash of what a file holds, or all files in and below a folder, by their names."""
    found = sorted(root.rglob("*")) if root.is_dir() else [root]
    return digest([_file_hash(file) for file in found if file.is_file()])


def _file_hash(path: Path) -> str:
    size = path.stat().st_size
    found = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _WHOLE_UP_TO:
            while block := file.read(_SAMPLE):
                found.update(block)
        else:
            found.update(file.read(_SAMPLE))
            file.seek(-_SAMPLE, 2)
            found.update(file.read(_SAMPLE))
    return found.hexdigest()
