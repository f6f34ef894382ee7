"""The report of a look at a file: lines while it goes on, then a table and one sentence."""

from collections import Counter
from dataclasses import dataclass, field

from opencharacter.lint.rows import Checked
from opencharacter.lint.rules import KEPT
from opencharacter.progress import closing_table


@dataclass(kw_only=True)
class Report:
    """Counts what was found, and shows the first findings of each problem."""

    shown: int
    """Most findings shown of a problem."""
    rows: int = 0
    faulty: int = 0
    """Rows with at least one problem."""
    counted: int = 0
    """Rows with none, but with something that is only counted."""
    kept: int = 0
    """Rows that a mended copy has."""
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By problem and fix."""

    def add(self, checked: Checked) -> None:
        """Count one row, and print its findings."""
        self.rows += 1
        is_faulty = any(found.fix != KEPT for found in checked.findings)
        self.faulty += is_faulty
        self.counted += bool(checked.findings) and not is_faulty
        self.kept += checked.mended is not None
        for found in checked.findings:
            self.problems[found.problem, found.fix] += 1
            if self.problems[found.problem, found.fix] <= self.shown:
                print(f"{found.place}: {found.problem}: {found.detail} [{found.fix}]")

    def close(self, written: dict[str, str]) -> None:
        """Print the table, the sum and what was written, each file under its description."""
        counts = self.problems.most_common()
        rows = [[problem, f"{count:,}", fix] for (problem, fix), count in counts]
        if rows:
            print(closing_table(rows, ("problem", "found", "in a mended copy")))
        summary = f"{self.faulty:,} of {self.rows:,} rows have problems."
        print(summary if self.faulty else f"{self.rows:,} rows, no problems.")
        if self.counted:
            print(f"{self.counted:,} rows have only what is counted, and stay in a mended copy.")
        for what, path in written.items():
            print(f"{what}: {path}")
