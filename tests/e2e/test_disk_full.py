"""A full disk is one clear line, and nothing that was finished is lost."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opencharacter.errors import StoreError
from opencharacter.records import Response
from opencharacter.store.files import disk_errors
from opencharacter.store.rows import read_records


def test_a_full_device_is_a_store_error_that_says_what_to_do():
    path = Path("/dev/full")
    message = "the disk is full while writing /dev/full; free some"

    with pytest.raises(StoreError, match=message), disk_errors(path):
        path.write_bytes(b"x")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of 110 KiB; skipped, and said so, where mounting is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    can_mount = os.geteuid() == 0 and shutil.which("mount") is not None
    mounted = can_mount and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=110k", "tmpfs", disk], check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk needs root: the full-disk run was NOT tested")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_run_goes_on_after_the_disk_was_full(start_process, small_disk):
    first = start_process("stage=synth", f"runs_dir={small_disk}")
    _, complaint = first.communicate(timeout=120)
    assert first.returncode == 2, complaint
    assert "error: the disk is full while writing" in complaint
    assert "Traceback" not in complaint

    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    second = start_process("stage=synth", f"runs_dir={small_disk}")
    _, complaint = second.communicate(timeout=120)

    assert second.returncode == 0, complaint
    assert len(list(read_records(small_disk / "t" / "generate" / "data", Response))) == 36
