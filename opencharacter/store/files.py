"""Writing files that are whole or absent, and a clear error when the disk is full."""

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opencharacter.errors import StoreError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the limit on file sizes is reached",
}
_WHOLE_UP_TO = 64 * 2**20  # bytes; of larger files a sample is looked at
_BLOCK = 64 * 2**10
_BLOCKS = 64
_SAID_BY_RUST = re.compile(r"\(os error (\d+)\)$")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, or one that may not be written to, into one line that says what to do.

    Raises:
        StoreError: the write failed; nothing that was finished before is lost.
    """
    try:
        yield
    except Exception as error:
        number = _error_number(error)
        if number in _FULL:
            raise StoreError(
                f"{_FULL[number]} while writing {path}; free some space and give the same "
                "command again: finished parts and logged answers are kept"
            ) from error
        if number in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StoreError(
                f"may not write {path}: {os.strerror(number)}; check runs_dir"
            ) from error
        raise


def _error_number(error: Exception) -> int:
    """Return the system's number of an error; 0 = it is none of the system.

    Libraries in Rust (safetensors, tokenizers) raise an error of their own with the number in its
    text.
    """
    if isinstance(error, OSError):
        return error.errno or 0
    said = _SAID_BY_RUST.search(str(error))
    return int(said[1]) if said else 0


@contextmanager
def whole_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; at the end of the block it is synced and renamed.

    The file exists under its own name only when whole, even after a power cut.

    Args:
        path: What is written.
        replace: False = of several processes that write `path`, only the first one may.

    Raises:
        FileExistsError: `replace` is False, and there is such a file.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any, *, replace: bool = True) -> None:
    """Write `value` as indented JSON, whole or not at all; `replace` as in `whole_file`."""
    with whole_file(path, replace=replace) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", errors="surrogatepass")


def read_json(path: Path) -> Any | None:
    """Return the JSON in `path`, or None where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except FileNotFoundError:
        return None


def sampled(path: Path) -> Iterator[bytes]:
    """Yield what is hashed of a file: up to 64 MiB all of it, of a larger one 64 blocks of 64 KiB.

    They are spread evenly from the first to the last, so that two sets of weights of the same size
    and header differ; a change of a few numbers between two blocks is not seen.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE_UP_TO:
            yield file.read()
            return
        for number in range(_BLOCKS):
            file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
            yield file.read(_BLOCK)
