"""The project's own questions, hashed into names: `eval/suites`, and `eval/templates`.

Templates are filled in from a profile. "How old are you?" is no secret, and no mixture is held
against them: what is measured is whether a model reads a profile that it has not seen.
"""

import json
from pathlib import Path
from typing import Any

from opencharacter.errors import SourceError
from opencharacter.sources.fingerprint import content_fingerprint
from opencharacter.sources.project import project_eval_dir

_HASH = 12


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of the project's, of templates or a suite.

    Raises:
        SourceError: it is not there, or a line is no JSON: the installation is broken.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {error}; install opencharacter anew") from error


def read_text(path: Path) -> str:
    """Return a text of the project's.

    Raises:
        SourceError: it is not there: the installation is broken.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {error}; install opencharacter anew") from error


def template_file(name: str, *, ending: str = "jsonl") -> Path:
    """Return where the templates of a suite are."""
    return project_eval_dir() / "templates" / f"{name}.{ending}"


def suite_file(name: str) -> Path:
    """Return where the questions of a suite are that it brings itself; no mixture may hold them."""
    return project_eval_dir() / "suites" / f"{name}.jsonl"


def hashed_name(suite: str, *files: Path) -> str:
    """Return `suite@hash` of what the files hold."""
    hashes = "".join(content_fingerprint(file)[:_HASH] for file in files)
    return f"{suite}@{hashes[:_HASH] if len(files) == 1 else hashes[: 2 * _HASH]}"
