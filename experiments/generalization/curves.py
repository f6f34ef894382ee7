"""What the cells come to: scores with intervals over characters, and a verdict by rule from them.

A cell is what `cell.py` wrote: its training, and for each character and style of question how many
questions there were, how many facts were stated, how many contradicted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from opencharacter.stats.intervals import Estimate, clustered_share, contrast_interval
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import Difference, paired_difference

CHARACTERS = (1, 4, 16, 64, 256, 1024)
METHODS = ("generate", "rewrite")
STYLES = ("direct", "indirect", "false_premise", "pressure")
STATED, CONTRADICTED = 1, 2
"""Where a character's counts hold the facts stated, and those contradicted."""
WITHIN, STEP = 0.03, 4096
"""How far a training's tokens may be from those asked for: a share of them, or one step."""
ALPHA = 0.05

Cell = Mapping[str, Any]
Counts = dict[str, tuple[int, int]]
"""Questions and hits of each character."""


class Step(NamedTuple):
    """From one number of characters to the next larger one, out of domain."""

    fewer: int
    more: int
    difference: Difference
    """Of the larger less the smaller, in shares of facts stated."""
    p: float | None
    """Adjusted over the steps of a method (Holm)."""

    @property
    def is_gain(self) -> bool:
        """Whether it is shown that more characters help."""
        return (self.difference.estimate.value or 0) > 0 and self.is_shown

    @property
    def is_loss(self) -> bool:
        """Whether it is shown that more characters harm."""
        return (self.difference.estimate.value or 0) < 0 and self.is_shown

    @property
    def is_shown(self) -> bool:
        """Whether there is a difference."""
        return self.p is not None and self.p <= ALPHA


def room(tokens: int) -> float:
    """Return how many tokens a training of so many may be off."""
    return max(WITHIN * tokens, STEP)


def check_equal(cells: Iterable[Cell]) -> None:
    """Check that all cells were trained on as many tokens.

    Raises:
        ValueError: two were not.
    """
    tokens = [cell["tokens"] for cell in cells]
    if tokens and max(tokens) - min(tokens) > 2 * room(min(tokens)):
        raise ValueError(
            f"cells were trained on {min(tokens):,} to {max(tokens):,} tokens; only equal ones "
            "can be compared"
        )


def counts(
    cells: Iterable[Cell], domain: str, *, what: int = STATED, styles: Sequence[str] = STYLES
) -> Counts:
    """Return questions and hits of each character, over cells that differ in their seed alone."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        for persona, by_style in cell[domain].items():
            for style in styles:
                got = by_style.get(style, (0, 0, 0))
                found[persona][0] += int(got[0])
                found[persona][1] += int(got[what])
    return {persona: (n, hits) for persona, (n, hits) in found.items() if n}


def share(found: Counts) -> Estimate:
    """Return the share of hits with its interval over characters."""
    hits = [float(i < hit) for n, hit in found.values() for i in range(n)]
    return clustered_share(hits, _clusters(found))


def difference(more: Counts, fewer: Counts) -> Difference:
    """Return how much larger the share of hits of one is, on the same questions.

    Raises:
        ValueError: they were asked other characters, or another number of questions.
    """
    if {who: n for who, (n, _) in more.items()} != {who: n for who, (n, _) in fewer.items()}:
        raise ValueError("cells that are paired were asked different questions")
    rows = [(more[who][1] / n, hit / n, who) for who, (n, hit) in fewer.items() for _ in range(n)]
    return paired_difference(
        [a for a, _, _ in rows], [b for _, b, _ in rows], [w for *_, w in rows]
    )


def gap(inside: Counts, outside: Counts) -> Estimate:
    """Return how much larger the share of hits is in domain than out of it."""
    sides = [(f"{at}{who}", n, hit, at == 0) for at, found in enumerate((inside, outside))
             for who, (n, hit) in found.items()]  # fmt: skip
    hits = [float(i < hit) for _, n, hit, _ in sides for i in range(n)]
    first = [is_in for _, n, _, is_in in sides for _ in range(n)]
    return contrast_interval(hits, np.array(first), [who for who, n, *_ in sides for _ in range(n)])


def of(
    cells: Iterable[Cell], method: str, n: int, seeds: Iterable[int] | None = None
) -> list[Cell]:
    """Return the cells of a method and a number of characters."""
    wanted = None if seeds is None else set(seeds)
    return [c for c in cells if (c["method"], c["n"]) == (method, n)
            and (wanted is None or c["seed"] in wanted)]  # fmt: skip


def compared(cells: Sequence[Cell], method: str, more: int, fewer: int) -> Difference | None:
    """Return the difference out of domain on the seeds that both have; None = they have none."""
    seeds = {c["seed"] for c in of(cells, method, more)} & {
        c["seed"] for c in of(cells, method, fewer)
    }
    if not seeds:
        return None
    return difference(*(counts(of(cells, method, n, seeds), "out") for n in (more, fewer)))


def steps(cells: Sequence[Cell], method: str) -> list[Step]:
    """Return each step from one number of characters to the next that there is."""
    present = [n for n in CHARACTERS if of(cells, method, n)]
    found = [(a, b, compared(cells, method, b, a)) for a, b in pairwise(present)]
    there = [(a, b, each) for a, b, each in found if each is not None]
    adjusted = holm([each.p for *_, each in there])
    return [Step(a, b, each, p) for (a, b, each), p in zip(there, adjusted, strict=True)]


def verdict(cells: Sequence[Cell], method: str) -> list[str]:
    """Return what a method's cells say, in sentences that follow from the intervals by rule.

    More characters carry over if the interval of the difference between the largest and the
    smallest number lies above 0; they do not help if it holds 0; they harm if it lies below.
    """
    present = [n for n in CHARACTERS if of(cells, method, n)]
    if len(present) < 2:
        return [f"{method}: nothing can be said, for {len(present)} of 6 numbers of characters."]
    fewest, most = present[0], present[-1]
    whole = compared(cells, method, most, fewest)
    if whole is None or whole.estimate.low is None or whole.estimate.high is None:
        return [f"{method}: nothing can be said, for the ends of the curve share no seed."]
    one = whole.estimate
    told = f"{points(one)} of the questions to unseen characters, {most:,} against {fewest:,}"
    if one.low > 0:
        found = [f"{method}: yes, more characters carry over: {told}."]
    elif one.high < 0:
        found = [f"{method}: no, more characters harm: {told}."]
    else:
        found = [f"{method}: not shown: {told}; the interval holds 0."]
    if len({cell["seed"] for cell in of(cells, method, most)}) == 1:
        found.append("That is one training each; others may differ by more than the interval.")
    taken = steps(cells, method)
    for what, there in (
        ("gain", [step for step in taken if step.is_gain]),
        ("loss", [step for step in taken if step.is_loss]),
    ):
        shown = ", ".join(f"{step.fewer:,} to {step.more:,}" for step in there) or "none"
        found.append(f"Steps at which a {what} is shown (p <= {ALPHA} after Holm): {shown}.")
    return [*found, *_gap_told(cells, method, present)]


def _gap_told(cells: Sequence[Cell], method: str, present: Sequence[int]) -> list[str]:
    """Say at which numbers of characters those trained on are played better than unseen ones."""
    shown, not_shown = [], []
    for n in present:
        chosen = of(cells, method, n)
        one = gap(counts(chosen, "in"), counts(chosen, "out"))
        if one.low is not None:
            (shown if one.low > 0 else not_shown).append(f"{n:,}")
    with_, without = ", ".join(shown) or "no number", ", ".join(not_shown) or "none"
    return [
        f"Characters trained on are played better than unseen ones with {with_} of them; not shown "
        f"with {without}. (With one character there is no interval.)"
    ]


def points(one: Estimate) -> str:
    """Return a difference of shares in percentage points, with its interval."""
    value, low, high = (100 * (each or 0.0) for each in (one.value, one.low, one.high))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def _clusters(found: Counts) -> list[str]:
    return [who for who, (n, _) in found.items() for _ in range(n)]
