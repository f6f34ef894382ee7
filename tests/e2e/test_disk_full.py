"""A full disk is one clear line, and nothing that was finished is lost."""

import subprocess
from pathlib import Path

import pytest

from opencharacter.errors import StoreError
from opencharacter.records import Response
from opencharacter.store.files import disk_errors
from opencharacter.store.rows import read_records
from tests.disks import small_disk


def test_a_full_device_is_a_store_error_that_says_what_to_do():
    path = Path("/dev/full")
    message = "the disk is full while writing /dev/full; free some"

    with pytest.raises(StoreError, match=message), disk_errors(path):
        path.write_bytes(b"x")


@pytest.fixture
def full_soon(tmp_path):
    with small_disk(tmp_path / "disk", "110k") as disk:
        yield disk


def test_a_run_goes_on_after_the_disk_was_full(start_process, full_soon):
    first = start_process("stage=synth", f"runs_dir={full_soon}")
    _, complaint = first.communicate(timeout=120)
    assert first.returncode == 2, complaint
    assert "error: the disk is full while writing" in complaint
    assert "Traceback" not in complaint

    subprocess.run(["mount", "-o", "remount,size=50m", full_soon], check=True)
    second = start_process("stage=synth", f"runs_dir={full_soon}")
    _, complaint = second.communicate(timeout=120)

    assert second.returncode == 0, complaint
    assert len(list(read_records(full_soon / "t" / "generate" / "data", Response))) == 36
