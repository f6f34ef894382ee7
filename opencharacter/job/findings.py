"""The report of a look at a file: lines while it goes on, then a table and one sentence."""

from collections import Counter
from dataclasses import dataclass, field

from opencharacter.lint.rows import Checked
from opencharacter.progress import closing_table


@dataclass(kw_only=True)
class Report:
    """Counts what was found, and shows the first findings of each problem."""

    shown: int
    """Most findings shown of a problem."""
    rows: int = 0
    faulty: int = 0
    """Rows with at least one problem."""
    kept: int = 0
    """Rows that a mended copy has."""
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By problem and fix."""

    def add(self, checked: Checked) -> None:
        """Count one row, and print its findings."""
        self.rows += 1
        self.faulty += bool(checked.findings)
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
        for what, path in written.items():
            print(f"{what}: {path}")
