"""The benchmark of tokenizing runs whole; sizes here are too small to measure anything."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("datasets")

ROOT = Path(__file__).parents[2]


def test_both_ways_of_tokenizing_are_measured_and_compared():
    command = [
        sys.executable,
        "bench/tokens.py",
        "--rows",
        "9",
        "--processes",
        "1",
        "--rounds",
        "1",
        "--sizes",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    first, *lines = [line.split() for line in ran.stdout.splitlines()]
    assert first == ["9", "rows"]
    told = [(line[0], line[2]) for line in lines]
    assert told == [("1", "theirs"), ("1", "ours"), ("1", "ratio")]
