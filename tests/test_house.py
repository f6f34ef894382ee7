"""The rules of the house that no linter knows: sizes, public docstrings, no local paths."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("opencharacter", "tests", "bench")
SOURCES = sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.py"))
PACKAGE = [path for path in SOURCES if path.is_relative_to(ROOT / "opencharacter")]

FILE_LINES = 400
STAGE_LINES = 150
FUNCTION_LINES = 50  # without its docstring
NESTING = 3

# Folders of the machines this is developed on; split so that this file does not name them.
LOCAL = ["/wo" + "rk/", "/ro" + "ot/", "/opt/" + "pypi", "/opt/" + "wheels", "/tmp/" + "v0"]
TEXTS = {".py", ".yaml", ".toml", ".md", ".txt", ".sh", ".sbatch", ".jsonl", ".json", ""}
MADE = {"runs", "build", "dist", "wandb", "outputs", "__pycache__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@cache
def functions():
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, Function)
    ]


def length(function):
    """Count the lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def nesting(node):
    """Return how deep blocks stand in one another; `elif` and nested functions add nothing."""
    depth = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        depth = max(depth, nesting(child) + (isinstance(child, BLOCKS) and not is_elif))
    return depth


def public_without_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    members = [(f"{c.name}.", n) for c in classes for n in c.body] + [("", n) for n in tree.body]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    named = [(prefix + n.name, n) for prefix, n in members if isinstance(n, kinds)]
    return [name for name, n in named if n.name[0] != "_" and not ast.get_docstring(n)]


def texts():
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        is_ours = not MADE & set(parts) and (parts[0][0] != "." or parts[0] == ".ci")
        if is_ours and path.suffix in TEXTS and path.is_file():
            yield path


def test_there_is_something_to_look_at():
    assert len(PACKAGE) >= 30
    assert len(functions()) >= 150
    assert len(list(texts())) >= 80


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short(path):
    is_stage = path.parent.name == "stages" and path in PACKAGE
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= (STAGE_LINES if is_stage else FILE_LINES)


def test_a_function_is_short():
    long = [
        f"{name}: {length(node)}" for name, node in functions() if length(node) > FUNCTION_LINES
    ]

    assert not long, "\n".join(long)


def test_a_function_is_flat():
    deep = [f"{name}: {nesting(node)}" for name, node in functions() if nesting(node) > NESTING]

    assert not deep, "\n".join(deep)


def test_everything_public_has_a_docstring():
    missing = {str(path.relative_to(ROOT)): public_without_docstring(path) for path in PACKAGE}

    assert {path: names for path, names in missing.items() if names} == {}


def test_no_file_names_a_path_of_one_machine():
    found = [
        f"{path.relative_to(ROOT)}: {local}"
        for path in texts()
        for local in LOCAL
        if local in path.read_text(encoding="utf-8", errors="replace")
    ]

    assert not found, "\n".join(found)


def test_the_caps_see_what_they_should():
    source = (
        "def f():\n    if a:\n        pass\n    elif b:\n        for x in y:\n            pass\n"
    )
    function = ast.parse(source).body[0]

    assert (nesting(function), length(function)) == (2, 6)
