"""Questions that are filled in from a profile: `eval/templates`, hashed into names of suites."""

import json
from pathlib import Path
from typing import Any

from opencharacter.errors import SourceError
from opencharacter.sources.fingerprint import content_fingerprint
from opencharacter.sources.project import project_eval_dir

_HASH = 12


def template_rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of templates.

    Raises:
        SourceError: it is not there, or a line is no JSON object: the installation is broken.
    """
    path = template_file(name)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {error}; install opencharacter anew") from error
    return rows


def template_file(name: str) -> Path:
    """Return where the templates of a suite are."""
    return project_eval_dir() / "templates" / f"{name}.jsonl"


def hashed_name(suite: str, *files: Path) -> str:
    """Return `suite@hash` of what the files hold."""
    hashes = "".join(content_fingerprint(file)[:_HASH] for file in files)
    return f"{suite}@{hashes[:_HASH] if len(files) == 1 else hashes[: 2 * _HASH]}"
