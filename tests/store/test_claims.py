"""A claim keeps others away while its process lives, and no longer."""

import json
import os
import subprocess
import sys
import time

import pytest

from opencharacter.errors import StoreError
from opencharacter.store.claims import Claims, Part


def test_a_second_claim_names_the_holder(tmp_path):
    with Claims(tmp_path, timeout_s=60) as mine, Claims(tmp_path, timeout_s=60) as theirs:
        assert mine.take("part-0") is None

        holder = theirs.take("part-0")

        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_released_claim_is_free(tmp_path):
    with Claims(tmp_path, timeout_s=60) as mine, Claims(tmp_path, timeout_s=60) as theirs:
        mine.take("part-0")
        mine.release("part-0")

        assert theirs.take("part-0") is None


def test_the_claim_of_a_killed_process_is_free_at_once(tmp_path):
    code = """
import sys, time
from pathlib import Path
from opencharacter.store.claims import Claims
claims = Claims(Path(sys.argv[1]), timeout_s=600)
claims.take("part-0")
print("held", flush=True)
time.sleep(600)
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with other, Claims(tmp_path, timeout_s=600) as mine:
        assert other.stdout.readline() == "held\n"
        assert mine.take("part-0") is not None
        other.kill()
        other.wait()

        assert mine.take("part-0") is None


def test_a_foreign_claim_is_free_only_without_a_heartbeat(tmp_path):
    path = tmp_path / "part-0.json"
    path.write_text(json.dumps({"token": "t", "host": "elsewhere", "pid": 1, "started": "1"}))
    with Claims(tmp_path, timeout_s=60) as mine:
        assert mine.take("part-0") is not None
        long_ago = time.time() - 61
        os.utime(path, (long_ago, long_ago))

        assert mine.take("part-0") is None


@pytest.mark.parametrize("content", [b"", bytes(40), b'{"token": "t'], ids=["empty", "0", "torn"])
def test_a_claim_that_a_power_cut_emptied_is_free_when_it_is_old(tmp_path, content):
    path = tmp_path / "part-0.json"
    path.write_bytes(content)
    with Claims(tmp_path, timeout_s=60) as mine:
        assert "unknown machine" in str(mine.take("part-0"))
        assert list(mine.others()) == ["part-0"]
        long_ago = time.time() - 61
        os.utime(path, (long_ago, long_ago))

        assert mine.others() == {}
        assert mine.take("part-0") is None
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_claim_that_was_taken_over_is_not_released(tmp_path):
    path = tmp_path / "part-0.json"
    theirs = json.dumps({"token": "t", "host": "elsewhere", "pid": 1, "started": "1"})
    with Claims(tmp_path, timeout_s=60) as mine:
        mine.take("part-0")
        path.write_text(theirs)
        mine.release("part-0")

        assert path.read_text() == theirs


def test_a_heartbeat_keeps_a_claim_fresh(tmp_path):
    with Claims(tmp_path, timeout_s=0.3) as mine:
        mine.take("part-0")
        long_ago = time.time() - 100
        os.utime(tmp_path / "part-0.json", (long_ago, long_ago))
        time.sleep(0.3)

        assert time.time() - (tmp_path / "part-0.json").stat().st_mtime < 50


def test_another_partition_is_refused_while_its_process_lives(tmp_path):
    claims = tmp_path / "claims"
    with Claims(claims, timeout_s=60) as mine, Claims(claims, timeout_s=60) as theirs:
        theirs.take(Part(0, 8).name)

        with pytest.raises(StoreError, match="parts=8, this process has parts=4"):
            mine.refuse_other_partition(4)


def test_everything_is_released_at_the_end(tmp_path):
    with Claims(tmp_path, timeout_s=60) as mine:
        mine.take("part-0")

    assert list(tmp_path.iterdir()) == []
