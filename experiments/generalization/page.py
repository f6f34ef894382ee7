"""Write results/README.md and results/curve.svg from the cells that are finished.

NOTE="2 cores, shared" experiments/generalization/run.sh page
"""

import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from experiments.generalization.curves import (
    CHARACTERS,
    CONTRADICTED,
    METHODS,
    STYLES,
    Cell,
    check_equal,
    counts,
    of,
    share,
    verdict,
)
from experiments.generalization.plot import Curve, svg
from opencharacter.stats.intervals import Estimate

SEEDS = (1, 2, 3)
TITLE = "Share of facts stated over characters trained on"
"""Of the plot."""


def read_cells(folder: Path) -> list[Cell]:
    """Return the finished cells, after seeing that their trainings are equal.

    Raises:
        ValueError: they are not.
    """
    cells = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))]
    check_equal(cells)
    return cells


def read_references(folder: Path) -> list[Cell]:
    """Return what models got that no cell trained: the untrained base, and the teacher."""
    return [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))]


def page(cells: Sequence[Cell], note: str, references: Sequence[Cell] = ()) -> str:
    """Return the page.

    Args:
        cells: Those that are finished.
        note: On the machine.
        references: See `read_references`.
    """
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    told = [f"- {' '.join(verdict(cells, method))}" for method in METHODS]
    return "\n".join(
        [
            "# Results",
            "",
            "Written by `run.sh page` from `cells/*.json`; what the columns mean is in"
            " [the question's page](../README.md).",
            "",
            "![facts stated over characters trained on](curve.svg)",
            "",
            "## Verdict",
            "",
            *told,
            "",
            *_seeds_told(cells),
            "",
            "## Scores",
            "",
            *_scores(cells),
            *_references(references),
            "",
            "## By style of question, unseen characters",
            "",
            *_styles(cells),
            "",
            "## Trainings",
            "",
            *_trainings(cells),
            "",
            "## Where it was run",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {machine}. {note}".rstrip(),
            "",
        ]
    )


def _seeds_told(cells: Sequence[Cell]) -> list[str]:
    wanted = {(m, n, s) for m in METHODS for n in CHARACTERS for s in SEEDS}
    there = {(cell["method"], cell["n"], cell["seed"]) for cell in cells}
    found = [f"{len(there & wanted)} of {len(wanted)} cells are finished.", ""]
    for method in METHODS:
        for seed in SEEDS:
            missing = [f"{n:,}" for n in CHARACTERS if (method, n, seed) in wanted - there]
            if missing:
                which = "all of them" if len(missing) == len(CHARACTERS) else ", ".join(missing)
                found.append(f"- Not run: {method}, seed {seed}, numbers of characters: {which}.")
    if any(len(of(cells, m, n)) == 1 for m in METHODS for n in CHARACTERS):
        found.append("")
        found.append(
            "Where there is one seed the intervals are over characters alone: another draw of the "
            "characters trained on, or of the order of training, could move a point by more."
        )
    return found


def _scores(cells: Sequence[Cell]) -> list[str]:
    lines = []
    for method, n in _present(cells):
        chosen = of(cells, method, n)
        each = [_percent(share(counts(chosen, domain))) for domain in ("out", "in")]
        wrong = _percent(share(counts(chosen, "out", what=CONTRADICTED)))
        people = len(counts(chosen, "in"))
        by_seed = ", ".join(
            f"{share(counts([cell], 'out')).value or 0:.1%}"
            for cell in sorted(chosen, key=lambda c: c["seed"])
        )
        lines.append([method, f"{n:,}", *each, str(people), wrong, by_seed])
    return _table(
        ["method", "characters", "unseen: stated", "trained on: stated", "of how many",
         "unseen: contradicted", "unseen, by seed"], lines
    )  # fmt: skip


def _references(references: Sequence[Cell]) -> list[str]:
    told = ", ".join(f"{r['name']} {_percent(share(counts([r], 'out')))}" for r in references)
    return ["", f"For comparison, unseen characters, stated: {told}."] if told else []


def _styles(cells: Sequence[Cell]) -> list[str]:
    lines = [
        [method, f"{n:,}"]
        + [_percent(share(counts(of(cells, method, n), "out", styles=[s]))) for s in STYLES]
        for method, n in _present(cells)
    ]
    return _table(["method", "characters", *(style.replace("_", " ") for style in STYLES)], lines)


def _trainings(cells: Sequence[Cell]) -> list[str]:
    lines = [
        [c["method"], f"{c['n']:,}", str(c["seed"]), f"{c['characters']:,}", f"{c['dialogues']:,}",
         f"{c['epochs']:.1f}", f"{c['steps']:,}", f"{c['tokens']:,}", f"{c['loss']:.2f}"]
        for method, n in _present(cells)
        for c in sorted(of(cells, method, n), key=lambda c: c["seed"])
    ]  # fmt: skip
    return _table(
        ["method", "pool", "seed", "characters met", "dialogues", "passes", "steps", "tokens",
         "last loss"], lines
    )  # fmt: skip


def _present(cells: Sequence[Cell]) -> list[tuple[str, int]]:
    return [(m, n) for m in METHODS for n in CHARACTERS if of(cells, m, n)]


def _percent(one: Estimate) -> str:
    if one.value is None:
        return ""
    if one.low is None or one.high is None:
        return f"{one.value:.1%}"
    return f"{one.value:.1%} [{one.low:.1%}, {one.high:.1%}]"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    rows = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(row)} |" for row in rows]


def curves(cells: Sequence[Cell]) -> list[Curve]:
    """Return a curve for each method and domain that has a cell."""
    return [
        Curve(
            f"{method}, {'unseen characters' if domain == 'out' else 'characters trained on'}",
            [
                (n, share(counts(of(cells, method, n), domain)))
                for m, n in _present(cells)
                if m == method
            ],
            at,
            domain == "in",
        )
        for at, method in enumerate(METHODS)
        for domain in ("out", "in")
        if any(m == method for m, _ in _present(cells))
    ]


if __name__ == "__main__":
    results = Path(sys.argv[1])
    found = read_cells(results / "cells")
    others = read_references(results / "references")
    text = page(found, os.environ.get("NOTE", ""), others)
    plot = svg(curves(found), ns=CHARACTERS, title=TITLE)
    (results / "curve.svg").write_text(plot, encoding="utf-8")
    (results / "README.md").write_text(text, encoding="utf-8")
    for method in METHODS:
        sys.stdout.write(" ".join(verdict(found, method)) + "\n")
