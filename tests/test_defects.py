"""docs/defects.md names a test for each defect, and each of them is there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "defects.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
KNOWN = 25
"""Defects of the list that the page was made from."""


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_defect_has_a_row_with_a_test():
    rows = {
        int(found[1]): line
        for line in PAGE.splitlines()
        if (found := re.match(r"\| (\d+) \|", line))
    }

    assert sorted(rows) == list(range(1, KNOWN + 1))
    assert [number for number, line in rows.items() if "::test_" not in line] == []


def test_every_test_that_is_named_is_there():
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not (TESTS / file).is_file() or name not in functions(TESTS / file)
    ]

    assert len(NAMED) > 2 * KNOWN
    assert missing == []


def test_every_file_that_looks_like_a_test_is_named_whole():
    assert len(re.findall(r"::test_", PAGE)) == len(NAMED)
