"""An axis: one number a response, its distribution, and the responses that it leaves out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from opencharacter.config import AxisConfig
from opencharacter.mix.scoring import RowScores
from opencharacter.mix.screening import Refusal

_QUANTILES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
_BINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisScore:
    """A response's score on an axis, as `scores/<axis>.parquet` has it."""

    response_id: str
    score: float | None
    """None = the classifier or function gave none."""
    n_cut: int
    """Of its texts, those that were longer than what the model reads."""
    is_dropped: bool


class Bin(NamedTuple):
    """A bar of a histogram."""

    low: float
    """Included."""
    high: float
    """Not included, except in the last one."""
    n: int


class Distribution(NamedTuple):
    """What the scores are like."""

    n: int
    mean: float
    quantiles: dict[str, float]
    """By percentile."""
    histogram: list[Bin]


@dataclass(kw_only=True)
class Axis:
    """The scores of a run on one axis; the responses in the order in which they stand."""

    name: str
    config: AxisConfig
    scorer: str
    """Model and revision, or function and hash."""
    ids: list[str] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    """How many texts of each response were too long."""

    def add(self, row: RowScores) -> None:
        """Add a response: of its texts the one that is nearest to being left out counts."""
        scores = [text.score for text in row.texts if text.score is not None]
        worst = max if self.config.direction.drops_high else min
        self.ids.append(row.response_id)
        self.scores.append(worst(scores) if scores else None)
        self.cuts.append(sum(text.is_cut for text in row.texts))

    @property
    def known(self) -> list[float]:
        """The scores that there are, sorted."""
        return sorted(score for score in self.scores if score is not None)

    def cut(self) -> float | None:
        """Return the score beyond which a response is left out; None = nowhere."""
        if self.config.percentile is None or not self.known:
            return self.config.threshold
        return percentile_cut(
            self.known, self.config.percentile, drops_high=self.config.direction.drops_high
        )

    def rows(self) -> list[AxisScore]:
        """Return every response with its score, and whether it is left out."""
        cut = self.cut()
        return [
            AxisScore(response_id=i, score=s, n_cut=n, is_dropped=self._drops(s, cut))
            for i, s, n in zip(self.ids, self.scores, self.cuts, strict=True)
        ]

    def refusals(self) -> dict[str, Refusal]:
        """Return why the responses that are left out may not enter, by id."""
        cut = self.cut()
        return {
            response_id: Refusal(f"axis_{self.name}", self._told(score, cut))
            for response_id, score in zip(self.ids, self.scores, strict=True)
            if self._drops(score, cut)
        }

    def _drops(self, score: float | None, cut: float | None) -> bool:
        if cut is None:
            return False
        if score is None:
            return True
        return score > cut if self.config.direction.drops_high else score < cut

    def _told(self, score: float | None, cut: float | None) -> str:
        if score is None:
            return f"no score by {self.scorer}"
        side = "above" if self.config.direction.drops_high else "below"
        percentile = self.config.percentile
        what = "" if percentile is None else f", percentile {percentile:g}"
        return f"score {score:.6g} is {side} the cut {cut:.6g}{what} ({self.scorer})"


def percentile_cut(scores: Sequence[float], percentile: float, *, drops_high: bool) -> float:
    """Return the score beyond which at most the given share of scores lies.

    It is one of the scores, so the cut is the same on any machine: of 100 different scores
    percentile 95 leaves out the 5 highest, or the 95 lowest. Equal scores stay or go together.

    Args:
        scores: Sorted, not empty.
        percentile: In [0, 100].
        drops_high: Whether what is above is left out, and not what is below.
    """
    below = int(Fraction(str(percentile)) / 100 * len(scores))
    if drops_high:
        above = int((1 - Fraction(str(percentile)) / 100) * len(scores))
        return scores[max(len(scores) - above - 1, 0)]
    return scores[min(below, len(scores) - 1)]


def distribution(scores: Sequence[float]) -> Distribution | None:
    """Return mean, quantiles and a histogram of sorted scores; None where there are none.

    The histogram goes from 0 to 1 where all scores are in it, else from the lowest to the highest.
    """
    if not scores:
        return None
    low, high = scores[0], scores[-1]
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    width = (high - low) / _BINS or 1.0
    counts = [0] * _BINS
    for score in scores:
        counts[min(int((score - low) / width), _BINS - 1)] += 1
    last = len(scores) - 1
    return Distribution(
        n=len(scores),
        mean=sum(scores) / len(scores),
        quantiles={str(q): scores[round(q / 100 * last)] for q in _QUANTILES},
        histogram=[Bin(low + i * width, low + (i + 1) * width, n) for i, n in enumerate(counts)],
    )
