"""Means of marks with intervals over characters."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from opencharacter.compare.measured import Gap, Row
from opencharacter.compare.results import SHARE, Mark, Scale
from opencharacter.records import Domain
from opencharacter.stats.calibrated import calibrated_mean
from opencharacter.stats.intervals import (
    Estimate,
    clustered_share,
    contrast_interval,
    mean_interval,
)
from opencharacter.stats.student import t_tail


def estimate(marks: Iterable[Mark], *, level: float) -> Estimate:
    """Return the mean of the marks that are there, with an interval over characters."""
    there = [mark for mark in marks if mark.value is not None]
    return mean_of(
        [mark.value for mark in there if mark.value is not None],
        [mark.transcript.persona_id for mark in there],
        level=level,
        scale=scale_of(there),
    )


def mean_of(
    values: Sequence[float], characters: Sequence[str], *, level: float, scale: Scale | None
) -> Estimate:
    """Return a mean with an interval over characters, no part of which is outside of the scale.

    Of shares that are all 0 or 1 it is Wilson's. Where all marks are the same there is none: it
    would have no width, and say that chance has no part in it.

    Args:
        values: (n,) marks.
        characters: (n,) whose each is.
        level: Of the interval.
        scale: Between what they lie; None = it is not known. A mark of 1 is the best of a share and
            the lowest of five.
    """
    if scale == SHARE and set(values) <= {0.0, 1.0}:
        return clustered_share(values, characters, level=level)
    found = mean_interval(values, characters, level=level)
    if found.se == 0:
        return replace(found, low=None, high=None, method="all alike")
    return inside(found, scale, values)


def inside(found: Estimate, scale: Scale | None, values: Sequence[float]) -> Estimate:
    """Return an estimate with no part of its interval outside of a scale.

    Args:
        found: Of a mean.
        scale: Between what its values lie; None = it is not known.
        values: What it is a mean of. Where one is outside, as marks of judges that were centred can
            be, the mean may be so too, and the interval is left as it is.
    """
    if scale is None or found.low is None or found.high is None:
        return found
    if min(values) < scale.low or max(values) > scale.high:
        return found
    return replace(found, low=max(scale.low, found.low), high=min(scale.high, found.high))


def scale_of(marks: Iterable[Mark]) -> Scale | None:
    """Return the scale that all marks are on; None = there is no one such."""
    scales = {mark.scale for mark in marks}
    return scales.pop() if len(scales) == 1 else None


def width_of(scale: Scale | None) -> Scale | None:
    """Return between what a difference of two marks lies."""
    return Scale(scale.low - scale.high, scale.high - scale.low) if scale else None


def row(name: str, marks: Sequence[Mark], *, level: float) -> Row:
    """Return a line of a table: the mean over all, and of each domain that occurs."""
    return Row(
        name,
        estimate(marks, level=level),
        {domain: estimate(found, level=level) for domain, found in _by_domain(marks).items()},
        sum(mark.missing for mark in marks),
    )


def rows(marks: Iterable[Mark], key: Callable[[Mark], str], *, level: float) -> list[Row]:
    """Return a line for each value of `key`, by name."""
    grouped: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        grouped[key(mark)].append(mark)
    return [row(name, grouped[name], level=level) for name in sorted(grouped)]


def gap(marks: Sequence[Mark], *, level: float) -> Gap | None:
    """Return how much higher in-domain characters are scored; None = a domain has no scores."""
    there = [
        (mark.value, mark.transcript.domain is Domain.inside, mark.transcript.persona_id)
        for mark in marks
        if mark.value is not None and mark.transcript.domain in (Domain.inside, Domain.outside)
    ]
    found = contrast_interval(
        [value for value, _, _ in there],
        [is_inside for _, is_inside, _ in there],
        [who for _, _, who in there],
        level=level,
    )
    if found.value is None:
        return None
    if not found.se:  # one character in a domain, or all alike
        return Gap(found.value, None, None, None)
    shown = inside(found, width_of(scale_of(marks)), [found.value])
    p = 2 * t_tail(abs(found.value) / found.se, found.clusters - 1)
    return Gap(found.value, shown.low, shown.high, p)


def corrected(
    by_turn: Mapping[int, Sequence[Mark]],
    human: Mapping[tuple[str, str, int | None], float],
    *,
    level: float,
) -> Row | None:
    """Return the means that people would give, by their labels of a part of the answers.

    A label is held against the mark of its own turn. An answer that is no role-play has the lowest
    mark by rule, so nobody labels it and nothing of it is corrected.

    Args:
        by_turn: The marks that count, of each turn.
        human: Mean label by transcript, criterion and turn.
        level: Of the intervals, which hold the error of the correction too.

    Returns:
        None without labels.
    """
    there = [
        _Turn(mark, human.get((mark.transcript.id, mark.criterion, turn)))
        for turn, marks in by_turn.items()
        for mark in marks
        if mark.value is not None
    ]
    if all(each.human is None for each in there):
        return None
    domains = {
        domain: _corrected([each for each in there if each.mark.transcript.domain is domain], level)
        for domain in _by_domain(each.mark for each in there)
    }
    return Row("corrected", _corrected(there, level), domains)


class _Turn(NamedTuple):
    mark: Mark
    """Of one turn."""
    human: float | None


def _corrected(turns: Sequence[_Turn], level: float) -> Estimate:
    """Return the mean over transcripts and criteria, each with as many marks as turns."""
    marks = [each.mark for each in turns]
    counts = Counter((mark.transcript.id, mark.criterion) for mark in marks)
    found = calibrated_mean(
        [mark.value or 0.0 for mark in marks],
        [each.human for each in turns],
        [mark.transcript.persona_id for mark in marks],
        weights=[1 / counts[mark.transcript.id, mark.criterion] for mark in marks],
        known=[mark.failed > 0 for mark in marks],
        level=level,
    )
    values = [each.human for each in turns] + [mark.value for mark in marks] + [found.value]
    there = [value for value in values if value is not None]
    return inside(replace(found, n=len(counts)), scale_of(marks), there)


def _by_domain(marks: Iterable[Mark]) -> dict[Domain, list[Mark]]:
    grouped: dict[Domain, list[Mark]] = {}
    for domain in Domain:
        grouped[domain] = []
    for mark in marks:
        grouped[mark.transcript.domain].append(mark)
    return {domain: found for domain, found in grouped.items() if found}
