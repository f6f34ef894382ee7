"""The loss of models on given answers: means over tokens with intervals over dialogues.

A mean over tokens is a ratio of totals, of which chance draws whole dialogues: the tokens of one
answer are no independent rows.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opencharacter.records import Loss
from opencharacter.stats.arrays import Floats
from opencharacter.stats.intervals import Estimate, ratio_interval
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import least_p, sign_flip

ALL = "all"
_LN2 = math.log(2)
_MOST = 700.0  # nats: e to the power of more is no number any longer
_FLAT = 1e-9  # of the loss: less spread is rounding, of dialogues that all differ alike


class Measured(NamedTuple):
    """What some answers cost a model."""

    name: str
    """Topic, or `ALL`."""
    nats: Estimate
    """A token, the ends of turns counted; `n` are tokens, `clusters` dialogues."""
    bits: Estimate
    """A byte of the answers' text: comparable between tokenizers. `n` are bytes."""
    perplexity: Estimate
    """Of a token: e to the power of the loss, and of the ends of its interval."""


def losses_of(rows: Sequence[Loss], *, level: float) -> list[Measured]:
    """Return what all answers cost, and those of each topic where there are several.

    Args:
        rows: Of one model, one for each dialogue.
        level: Of the intervals.
    """
    if not rows:
        return []
    topics: dict[str, list[Loss]] = defaultdict(list)
    for row in rows:
        topics[row.topic or "no topic"].append(row)
    found = [_measured(ALL, rows, level)]
    if len(topics) > 1:
        found += [_measured(name, topics[name], level) for name in sorted(topics)]
    return found


def exponential(loss: Estimate) -> Estimate:
    """Return e to the power of an estimate, as perplexity is of a loss."""
    ends = (loss.value, loss.low, loss.high)
    value, low, high = (None if each is None else math.exp(min(each, _MOST)) for each in ends)
    return replace(loss, value=value, low=low, high=high, se=None)


def loss_words(found: Measured) -> str:
    """Return a loss as a sentence."""
    ppl = found.perplexity
    return (
        f"{_shown(found.nats, 4)} nats a token over {found.nats.n:,} tokens of "
        f"{found.nats.clusters:,} dialogues (perplexity {_shown(ppl, 2)}; {_shown(found.bits, 3)} "
        "bits a byte)"
    )


def _shown(one: Estimate, decimals: int) -> str:
    if one.value is None:
        return "none"
    if one.low is None or one.high is None:
        return f"{one.value:.{decimals}f}"
    return f"{one.value:.{decimals}f} [{one.low:.{decimals}f}, {one.high:.{decimals}f}]"


def _measured(name: str, rows: Sequence[Loss], level: float) -> Measured:
    by_token = _totals([(row.nats, len(row.losses)) for row in rows])
    by_byte = _totals([(row.nats / _LN2, row.n_bytes) for row in rows])
    nats = ratio_interval(by_token, round(by_token[:, 1].sum()), level=level)
    bits = ratio_interval(by_byte, round(by_byte[:, 1].sum()), level=level)
    nats, bits = (_above_zero(each) for each in (nats, bits))
    return Measured(name, nats, bits, exponential(nats))


def _above_zero(loss: Estimate) -> Estimate:
    """Return a loss with no part of its interval below 0, where none can be."""
    return loss if loss.low is None else replace(loss, low=max(0.0, loss.low))


def _totals(pairs: Sequence[tuple[float, float]]) -> Floats:
    return np.array(pairs, np.float64).reshape(-1, 2)  # (dialogues, 2)


class PairedLoss(NamedTuple):
    """How much more the same answers cost the second run's model than the first one's."""

    first: str
    second: str
    unit: str
    """`nats a token`; `bits a byte` where the two cut an answer into different tokens."""
    losses: tuple[Estimate, Estimate]
    """Of the first and the second, on the dialogues that both have."""
    difference: Estimate
    """Second less first: above 0 the second one has forgotten more. `clusters` are dialogues."""
    p: float | None
    """Of no difference, by sign flips of whole dialogues; None = fewer than two."""
    p_holm: float | None
    """Adjusted for all pairs."""
    least_p: float | None
    """The smallest that so few dialogues can give, adjusted alike."""
    left_out: int
    """Dialogues that only one of them has."""


def paired_losses(
    pairs: Iterable[tuple[tuple[str, Sequence[Loss]], tuple[str, Sequence[Loss]]]], *, level: float
) -> list[PairedLoss]:
    """Return how the losses of runs differ on the dialogues that they share.

    Args:
        pairs: Name and losses of each of two runs; a pair without a shared dialogue has no line.
        level: Of the intervals.
    """
    lines = [
        _paired(first, second, level)
        for first, second in pairs
        if {row.dialogue_id for row in first[1]} & {row.dialogue_id for row in second[1]}
    ]
    adjusted = holm([line.p for line in lines])
    least = holm([least_p(line.difference.clusters) for line in lines])
    return [
        line._replace(p_holm=p, least_p=low)
        for line, p, low in zip(lines, adjusted, least, strict=True)
    ]


def _paired(
    first: tuple[str, Sequence[Loss]], second: tuple[str, Sequence[Loss]], level: float
) -> PairedLoss:
    one, other = ({row.dialogue_id: row for row in rows} for _, rows in (first, second))
    shared = [(row, other[id_]) for id_, row in one.items() if id_ in other]
    is_alike = all(len(a.losses) == len(b.losses) for a, b in shared)
    per, scale = ("nats a token", 1.0) if is_alike else ("bits a byte", _LN2)
    units = [len(a.losses) if is_alike else a.n_bytes for a, _ in shared]
    nats = np.array([(a.nats, b.nats) for a, b in shared]) / scale  # (dialogues, 2)
    costs = [*nats.T, nats[:, 1] - nats[:, 0]]
    losses, against, difference = (
        ratio_interval(_totals([*zip(cost, units, strict=True)]), sum(units), level=level)
        for cost in costs
    )
    if difference.se is not None and difference.se <= _FLAT * (losses.value or 0):
        difference = replace(difference, low=None, high=None, se=0.0, method="all alike")
    return PairedLoss(
        first[0],
        second[0],
        per,
        (_above_zero(losses), _above_zero(against)),
        difference,
        sign_flip(costs[2]),
        None,
        None,
        len(one) + len(other) - 2 * len(shared),
    )
