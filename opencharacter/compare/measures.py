"""What the number of a headline is, in words: a share, or points of a scale, and who gives them."""

from collections.abc import Sequence
from typing import NamedTuple

from opencharacter.compare.results import SHARE, Scale

_SHARES = {
    "fact_stated": "share of facts stated",
    "fact_contradicted": "share of facts contradicted",
    "fact": "share of the profile's facts that nothing contradicts",
    "correct": "share of right answers",
    "agrees": "share of choices that are the person's",
    "rouge_l": "overlap with the reference (ROUGE-L)",
    "preference": "share preferred to the other run's answer",
}


class Measure(NamedTuple):
    """What the mean over some criteria is."""

    name: str
    """Such as `share of facts stated`, or `points of 1 to 5`."""
    told: str
    """The same with who gives it and the ends of its scale."""
    unit: str
    """What stands behind a difference of two such means."""
    criteria: Sequence[str]
    """That it is the mean over."""
    scale: Scale | None
    """That they are on; None = it is not known."""

    @property
    def of(self) -> str:
        """What such a difference is of, before what else is told of it; points say it."""
        return "" if self.unit == "points" else f"{self.name}; "

    @property
    def whole(self) -> str:
        """What it is, with the criteria that `told` does not name."""
        is_named = len(self.criteria) == 1 and self.name == _SHARES.get(self.criteria[0])
        over = "" if is_named or not self.criteria else f" ({', '.join(self.criteria)})"
        return f"{self.told[0].upper()}{self.told[1:]}{over}"


def measure_of(criteria: Sequence[str], scale: Scale | None, judges: Sequence[str]) -> Measure:
    """Return what the mean over these criteria is.

    Args:
        criteria: Of a headline.
        scale: That they are on; None = it is not known.
        judges: Models that gave the scores; empty = rules did.
    """
    whose = f"by {' and '.join(judges) or 'rule'}"
    if scale is None:
        return Measure("points", f"points {whose}", "points", criteria, scale)
    ends = f"{scale.low:g} to {scale.high:g}"
    if scale != SHARE:
        return Measure(f"points of {ends}", f"points of {ends} {whose}", "points", criteria, scale)
    name = _SHARES.get(criteria[0], "share") if len(criteria) == 1 else "mean share"
    return Measure(name, f"{name}, {whose}, {ends}", "of 1", criteria, scale)
