"""The loss of models on given answers: means over tokens with intervals over dialogues.

A mean over tokens is a ratio of totals, of which chance draws whole dialogues: the tokens of one
answer are no independent rows.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from opencharacter.records import Loss
from opencharacter.stats.arrays import Floats
from opencharacter.stats.intervals import Estimate, ratio_interval

ALL = "all"
_LN2 = math.log(2)


class Measured(NamedTuple):
    """What some answers cost a model."""

    name: str
    """Topic, or `ALL`."""
    nats: Estimate
    """A token, the ends of turns counted; `n` are tokens, `clusters` dialogues."""
    bits: Estimate
    """A byte of the answers' text: comparable between tokenizers. `n` are bytes."""

    @property
    def perplexity(self) -> Estimate:
        """Of a token: e to the power of the loss, and of the ends of its interval."""
        return exponential(self.nats)


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
    value, low, high = (None if each is None else math.exp(each) for each in loss[:3])
    return loss._replace(value=value, low=low, high=high, se=None)


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
    return Measured(
        name,
        ratio_interval(by_token, round(by_token[:, 1].sum()), level=level),
        ratio_interval(by_byte, round(by_byte[:, 1].sum()), level=level),
    )


def _totals(pairs: Sequence[tuple[float, float]]) -> Floats:
    return np.array(pairs, np.float64).reshape(-1, 2)  # (dialogues, 2)


def by_dialogue(rows: Sequence[Loss]) -> Mapping[str, Loss]:
    """Return losses by what they are of."""
    return {row.dialogue_id: row for row in rows}
