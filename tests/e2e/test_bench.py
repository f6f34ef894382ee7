"""The benchmark against the raw engine runs; sizes here are too small to measure anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("vllm")
ROOT = Path(__file__).parent.parent.parent


def test_judging_is_held_against_the_engine_and_a_full_cache_asks_nothing():
    sizes = ["--characters", "2", "--answers", "1", "--rounds", "1"]
    command = [sys.executable, "bench/judge.py", *sizes]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert re.findall(r": \d+\.\d{3} \(bar (.*)\)", ran.stdout) == ["0.95"]
    assert re.findall(r"(empty|full) cache: (\d+) model calls", ran.stdout) == [
        ("empty", "8"),
        ("full", "0"),
    ]


def test_both_comparisons_are_measured():
    sizes = ["--requests", "8", "--dialogues", "8", "--rounds", "1"]
    command = [sys.executable, "bench/synth.py", *sizes]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert re.findall(r": \d+\.\d{3} \(bar (.*)\)", ran.stdout) == ["0.97", "1.1"]
