"""The benchmarks that need no engine run; sizes here are too small to measure anything."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("script", "size", "beginning"),
    [
        # Rows, how many are asked for, and how many come out: one in a hundred stands twice.
        pytest.param("personas", "200", ["200", "all", "199"], id="personas"),
        pytest.param("mix", "20", ["20", "60"], id="mix"),
        pytest.param("report", "20", ["20"], id="report"),
    ],
)
def test_a_streaming_stage_is_measured_whole(script, size, beginning):
    command = [sys.executable, f"bench/{script}.py", size]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[1].split()[: len(beginning)] == beginning


def test_the_overhead_of_sessions_and_of_the_whole_stage_is_measured():
    command = [sys.executable, "bench/overhead.py", "--records", "40", "--rounds", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert [line[:3] for line in ran.stdout.splitlines()[1:3]] == ["(a)", "(b)"]


def test_peers_that_are_not_installed_are_left_out(tmp_path):
    command = [sys.executable, "bench/peers.py", "--venvs", tmp_path, "--requests", "8"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    [row] = ran.stdout.splitlines()[2:]
    assert [cell.strip() for cell in row.split("|")][6:8] == ["8", "0"]  # calls, rows lost


def test_make_hands_its_arguments_to_the_benchmark_that_takes_them():
    command = ["make", "--dry-run", "bench", "ARGS=--model x"]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    lines = [line for line in planned.stdout.splitlines() if "--model x" in line]
    assert [line.split()[1:] for line in lines] == [["bench/synth.py", "--model", "x"]]


def test_training_is_held_against_a_bare_script():
    small = ["--rows", "3", "--max-length", "64", "--global-tokens", "128", "--rounds", "1"]
    command = [sys.executable, "bench/train.py", *small]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    begun = [line.split()[0] for line in ran.stdout.splitlines()]
    assert begun == ["3", "theirs", "ours", "round", "ratio"]


def test_a_model_of_a_given_shape_is_trained_without_a_download():
    command = [sys.executable, "bench/train.py", "--shape", "tiny", "--tuning", "lora"]
    ran = subprocess.run(
        [*command, "--steps", "2"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    begun = [line.split()[:2] for line in ran.stdout.splitlines()]
    assert begun == [["tiny,", "sdpa,"], ["lora", "theirs"], ["lora", "ours"], ["lora", "ratio"]]
