"""How sure the paper's differences are, from the means and deviations that it states.

python -m experiments.opencharacter.significance     writes the tables of README.md anew
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.opencharacter.cost import cost_block
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.student import t_quantile, t_tail

FOLDER = Path(__file__).parent
NOT_RUN = "not run here"
ALPHA = 0.05


class Compared(NamedTuple):
    """One system less another, of the same 200 personas."""

    question: str
    table: str
    metric: str
    first: str
    second: str
    difference: float
    """In points of the judge's scale, 1 to 5."""
    low: float
    high: float
    """Ends of the 95 % interval with correlation 0."""
    z: float
    p: float
    """Two-sided, by Student's t, with correlation 0."""
    needed: float | None
    """Least correlation of the two systems over personas at which p is 0.05 or less; None = no
    difference, at none. Below 0: significant already if they are a little opposed."""


def mean_and_sd(table: Mapping[str, Any], row: str, at: int) -> tuple[float, float]:
    """Return a mean and its standard deviation over personas; `at` is the metric's number."""
    figures = table["rows"][row]
    return figures[2 * at], figures[2 * at + 1]


def compared(
    first: tuple[float, float], second: tuple[float, float], n: int
) -> tuple[float, float, float, float, float, float | None]:
    """Return difference, ends of its interval, z, p and the needed correlation.

    Both systems answered the same n personas, so the variance of the difference of their means is
    (a^2 + b^2 - 2 r a b) / n, with a and b the stated deviations and r the correlation of their
    scores over personas, which nobody states. r = 0 is taken: that is too careful where r > 0, as
    it is where some personas are hard for all.

    Source: the textbook's variance of a difference; Student's t with n - 1 degrees of freedom.
    """
    difference = first[0] - second[0]
    a, b = first[1], second[1]
    se = math.sqrt((a**2 + b**2) / n)
    half = t_quantile(1 - ALPHA / 2, n - 1)
    z = difference / se
    p = min(1.0, 2 * t_tail(abs(z), n - 1))
    needed = None
    if round(difference, 9):
        needed = (a**2 + b**2 - n * (difference / half) ** 2) / (2 * a * b)
    return difference, difference - half * se, difference + half * se, z, p, needed


def all_compared(published: Mapping[str, Any]) -> list[Compared]:
    """Return every comparison that the questions name."""
    found = []
    for question, lines in published["questions"].items():
        for table, metric, first, second in lines:
            rows, at = published["tables"][table], published["metrics"].index(metric)
            pair = mean_and_sd(rows, first, at), mean_and_sd(rows, second, at)
            figures = compared(*pair, published["personas"])
            found.append(Compared(question, table, metric, first, second, *figures))
    return found


def significance_block(published: Mapping[str, Any]) -> list[str]:
    """Return the comparisons as a table for each question, p adjusted within it."""
    lines, found = [], all_compared(published)
    for question in published["questions"]:
        chosen = [each for each in found if each.question == question]
        adjusted = holm([each.p for each in chosen])
        head = ["", "table", "difference", "95 %", "z", "p", "p (Holm)", "needed r", "ours"]
        rows = [_row(each, p) for each, p in zip(chosen, adjusted, strict=True)]
        lines += [f"**{question}**", "", *_table(head, rows), ""]
    return lines[:-1]


def published_block(published: Mapping[str, Any]) -> list[str]:
    """Return the paper's tables, each row with a cell for what was measured here."""
    lines: list[str] = []
    for table in published["tables"].values():
        head = [table["title"], *published["metrics"], "PScore, ours"]
        rows = [
            [name, *(f"{figures[i]:.2f} ({figures[i + 1]:.2f})" for i in range(0, 12, 2)), NOT_RUN]
            for name, figures in table["rows"].items()
        ]
        lines += [*_table(head, rows), ""]
    return lines[:-1]


def _row(one: Compared, adjusted: float | None) -> list[str]:
    needed = "none" if one.needed is None or one.needed > 1 else f"{one.needed:.2f}"
    return [
        f"{one.first} less {one.second}" + f", {one.metric}" * (one.metric != "PScore"),
        {"full": "5", "light": "3", "ablation": "4"}[one.table],
        f"{one.difference:+.2f}",
        f"{one.low:+.3f} to {one.high:+.3f}",
        f"{one.z:+.1f}",
        _chance(one.p),
        _chance(adjusted or 0.0),
        "any" if one.needed is not None and one.needed <= 0 else needed,
        NOT_RUN,
    ]


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def filled(text: str, blocks: Mapping[str, Sequence[str]]) -> str:
    """Return a page with what stands between `<!-- name -->` and `<!-- /name -->` made anew."""
    for name, lines in blocks.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->")
        body = "\n".join(lines)
        text = f"{before}<!-- {name} -->\n\n{body}\n\n<!-- /{name} -->{after}"
    return text


def read_published() -> dict[str, Any]:
    """Return what the paper states, and the questions asked of it."""
    found: dict[str, Any] = json.loads((FOLDER / "published.json").read_text(encoding="utf-8"))
    return found


def blocks_of(published: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the tables of the page by name."""
    return {
        "cost": cost_block(),
        "significance": significance_block(published),
        "published": published_block(published),
    }


if __name__ == "__main__":
    page = FOLDER / "README.md"
    page.write_text(filled(page.read_text("utf-8"), blocks_of(read_published())), encoding="utf-8")
    sys.stdout.write(f"{page.name} is up to date\n")
