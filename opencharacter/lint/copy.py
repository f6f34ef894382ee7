"""What a look at a file leaves behind: the findings, and the mended copy."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from opencharacter.lint.rows import Checked
from opencharacter.store.files import disk_errors, whole_file

FINDINGS = "findings.jsonl"
MENDED = "mended.jsonl"
_NAME_CHARS = 60  # of at most 4 bytes; a name may have 255 bytes


class Copies:
    """Writes findings, and the rows that are right or mended, as JSON lines."""

    def __init__(self, folder: Path, opened: ExitStack, *, fix: bool) -> None:
        """Open the findings; the mended copy is opened when there is a row for it."""
        self._folder = folder
        self._opened = opened
        self._fix = fix
        self._findings = self._open(FINDINGS)
        self._rows: TextIO | None = None

    @property
    def has_rows(self) -> bool:
        """Whether there is a mended copy."""
        return self._rows is not None

    def write(self, checked: Checked) -> None:
        """Write one row's findings and its mended form."""
        for finding in checked.findings:
            self._findings.write(_line(finding._asdict()))
        if self._fix and checked.mended is not None:
            if self._rows is None:
                self._rows = self._open(MENDED)
            self._rows.write(_line(checked.mended))

    def _open(self, name: str) -> TextIO:
        path = self._opened.enter_context(whole_file(self._folder / name))
        # Half a character that is left in on purpose is written as JSON's escape.
        file = path.open("w", encoding="utf-8", errors="backslashreplace")
        return self._opened.enter_context(file)


def folder_name(path: str) -> str:
    """Return the name of the folder for what is found at a path: `a-b.jsonl` for `a/b.jsonl`."""
    parts = [part for part in path.replace(":", "/").split("/") if part not in ("", ".", "..", "~")]
    return "-".join(parts)[-_NAME_CHARS:] or "rows"


@contextmanager
def open_copies(folder: Path, *, fix: bool) -> Iterator[Copies]:
    """Open the findings in `folder`, and the mended copy if `fix` and a row is left for it.

    Both appear only when they are whole. If no row is left, there is no copy, nor an earlier one.
    """
    with disk_errors(folder):
        with ExitStack() as stack:
            copies = Copies(folder, stack, fix=fix)
            yield copies
        if fix and not copies.has_rows:
            (folder / MENDED).unlink(missing_ok=True)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"
