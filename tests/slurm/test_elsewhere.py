"""Where SLURM cannot run, the suite passes and says so."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_where_slurm_cannot_run_its_tests_are_skipped_and_the_end_says_so_loudly(tmp_path):
    """192.0.2.1 is an address for documents: it is nobody's."""
    elsewhere = "import os\nimport socket\n\nos.geteuid = lambda: 0\n"
    elsewhere += "socket.gethostbyname = lambda name: '192.0.2.1'\n"
    (tmp_path / "elsewhere.py").write_text(elsewhere, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "elsewhere",
        "--numprocesses=1",
        "-k",
        "array_that",
    ]
    path = os.pathsep.join((str(tmp_path), str(ROOT)))

    ended = subprocess.run(
        [*command, "tests/slurm/test_array.py"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout
    assert "1 skipped" in ended.stdout
    [line] = [line for line in ended.stdout.splitlines() if "SLURM IS NOT TESTED HERE" in line]
    assert "is 192.0.2.1, not a loopback address" in line
