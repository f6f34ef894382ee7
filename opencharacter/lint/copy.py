"""What a look at a file leaves behind: the findings, and the mended copy."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from opencharacter.lint.rows import Checked
from opencharacter.store.files import disk_errors, whole_file


class Copies:
    """Writes findings, and the rows that are right or mended, as JSON lines."""

    def __init__(self, findings: TextIO, rows: TextIO | None) -> None:
        """Take the open files; `rows` is None when no copy is wanted."""
        self._findings = findings
        self._rows = rows

    def write(self, checked: Checked) -> None:
        """Write one row's findings and its mended form."""
        for finding in checked.findings:
            self._findings.write(_line(finding._asdict()))
        if self._rows is not None and checked.mended is not None:
            self._rows.write(_line(checked.mended))


@contextmanager
def open_copies(folder: Path, name: str | None) -> Iterator[Copies]:
    """Open `findings.jsonl` in `folder`, and the mended copy `name` if one is wanted.

    Both appear only when they are whole.
    """
    with ExitStack() as stack, disk_errors(folder):
        files: list[TextIO] = []
        for wanted in ("findings.jsonl", name):
            if wanted is not None:
                path = stack.enter_context(whole_file(folder / wanted))
                # Half a character that is left in on purpose is written as JSON's escape.
                file = path.open("w", encoding="utf-8", errors="backslashreplace")
                files.append(stack.enter_context(file))
        yield Copies(files[0], files[1] if name else None)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"
