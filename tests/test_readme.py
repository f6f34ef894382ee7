"""What the README tells people to type works."""

import re
import shlex
from pathlib import Path

import pytest

from opencharacter.compose import compose_config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.split("  #")[0] for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if "-m opencharacter " in line and "--help" not in line]


def test_there_are_commands_to_look_at():
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_composes(line):
    words = shlex.split(line)

    config = compose_config(words[words.index("opencharacter") + 1 :])

    assert (ROOT / "opencharacter" / "stages" / f"{config.stage}.py").is_file()


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z-]+)", README))

    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_linked_files_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    for link in links:
        assert (ROOT / link).exists(), link
