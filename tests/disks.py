"""A disk that fills up."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(disk: Path, size: str) -> Iterator[Path]:
    """Mount a disk of a size such as 200m; skipped, and said so, where mounting is not allowed."""
    disk.mkdir()
    can_mount = os.geteuid() == 0 and shutil.which("mount") is not None
    mounted = can_mount and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk needs root: a full disk was NOT tested")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)
