"""`make test` is all that continuous integration calls: formatting, lint, types and layers too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([PYTHON, "-m", "ruff", "format", "--check"], id="format"),
        pytest.param([PYTHON, "-m", "ruff", "check"], id="lint"),
        pytest.param([PYTHON, "-m", "mypy"], id="types"),
        pytest.param([str(Path(PYTHON).with_name("lint-imports"))], id="layers"),
    ],
)
def test_the_checks_find_nothing(command):
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_continuous_integration_calls_make_test_and_nothing_else():
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert re.findall(r"^[ \t]*make\b.*", steps, flags=re.MULTILINE) == ["make test"]
