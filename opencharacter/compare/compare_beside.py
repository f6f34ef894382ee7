"""What stands beside a comparison of scores: losses on given answers, what would spoil a win."""

from collections.abc import Sequence

from opencharacter.compare.faults import PairedFault
from opencharacter.compare.losses import PairedLoss, exponential
from opencharacter.compare.tables import (
    Dot,
    Table,
    chance,
    columned,
    ends_words,
    equals,
    number,
    ranged,
)

_TOKENS = "nats a token"


def fault_table(lines: Sequence[PairedFault], *, level: float) -> Table:
    """Return how often each of two runs contradicts facts, is cut off, refuses ..."""
    note = (
        "Less is better. Shares of answers with a contradicted fact, and of transcripts that are "
        "no role-play, by kind, on the items that both were asked; above 0 the run before the "
        "minus has more. Intervals over characters, p by sign flips of whole characters, Holm over "
        f"this table. {_floor_words(lines, level)}"
    ).strip()
    shown = columned([[each.rates[1] for each in lines], [each.rates[0] for each in lines],
                      [each.difference for each in lines]]) if lines else []  # fmt: skip
    rows = [
        [
            f"{each.second} − {each.first}, {each.fault}",
            *cells,
            chance(each.p_holm),
            f"{each.difference.n:,}",
            f"{each.difference.clusters:,}",
        ]
        for each, cells in zip(lines, shown, strict=True)
    ]
    columns = ("", "this", "less that", "difference", "p (Holm)", "items", "characters")
    dots = [[Dot(0, each.difference)] for each in lines]
    return Table("What would spoil it", note, columns, rows, dots, ("difference",), True)


def _floor_words(lines: Sequence[PairedFault] | Sequence[PairedLoss], level: float) -> str:
    """Return that nothing can be shown in some lines, and by which p; nothing where all may be."""
    least = [line.least_p for line in lines if line.least_p is not None]
    if not least or max(least) <= 1 - level:
        return ""
    return f"With so few of them no p below {chance(max(least))} is possible in some lines."


def fault_sentence(line: PairedFault, *, level: float) -> str:
    """Return who has more of a fault; nothing where no difference is shown."""
    one, (before, after) = line.difference, line.rates
    if one.value is None or line.p_holm is None or line.p_holm > 1 - level:
        return ""
    more, less = (line.second, line.first) if one.value > 0 else (line.first, line.second)
    shares = (after, before) if one.value > 0 else (before, after)
    return (
        f"{more} has more {line.fault} than {less}: {' against '.join(map(ranged, shares))} "
        f"(p {equals(line.p_holm)} after Holm)."
    )


def loss_sentence(line: PairedLoss, *, level: float) -> str:
    """Return how two losses differ in words: who has forgotten more, or what is not shown."""
    one, (before, after) = line.difference, line.losses
    shown = f"{ranged(before)} and {ranged(after)} {line.unit}"
    if line.unit == _TOKENS:
        of_token = (number(exponential(each).value) for each in line.losses)
        shown += f", perplexity {' and '.join(of_token)}"
    told = f"Loss on given answers, {line.first} and {line.second}: {shown}."
    if one.value is None or one.low is None or one.high is None:
        return f"{told} The difference is {number(one.value, sign=True)} on each dialogue alike."
    size = f"{number(abs(one.value), width=one.high - one.low)} {line.unit}"
    sure = (
        f"{level:.0%} interval {ends_words(one.low, one.high, sign=True)}, p {equals(line.p_holm)} "
        f"after Holm, {one.clusters:,} dialogues"
    )
    if line.least_p is not None and line.least_p > 1 - level:
        few = f"no p below {chance(line.least_p)} is possible with so few dialogues"
        return f"{told} Whether they differ cannot be shown: {few} ({sure})."
    if line.p_holm is None or line.p_holm > 1 - level:
        return f"{told} No difference is shown ({sure})."
    worse, better = (line.second, line.first) if one.value > 0 else (line.first, line.second)
    return f"{told} They cost {worse} {size} more than {better} ({sure})."


def paired_loss_table(lines: Sequence[PairedLoss], *, level: float) -> Table:
    """Return what given answers cost each of two runs, and how much more the second."""
    note = (
        "Less is better. The same general questions with the same answers, the ends of turns "
        "counted; above 0 the run before the minus holds them for less likely, as after "
        "forgetting. Intervals over dialogues, p by sign flips of whole dialogues, Holm over this "
        "table. Bits a byte where the two cut the answers into different tokens. "
        f"{_floor_words(lines, level)}"
    ).strip()
    rows = [
        [
            f"{each.second} − {each.first}",
            *map(ranged, (*reversed(each.losses), each.difference)),
            each.unit,
            chance(each.p_holm),
            f"{each.difference.clusters:,}",
            f"{each.left_out:,}",
        ]
        for each in lines
    ]
    columns = ("", "this", "less that", "difference", "in", "p (Holm)", "dialogues", "left out")
    dots = [[Dot(0, each.difference)] for each in lines]
    return Table("Loss on given answers", note, columns, rows, dots, ("difference",), True)
