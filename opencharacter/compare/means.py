"""Means of marks with intervals over characters."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from opencharacter.compare.measured import Gap, Row
from opencharacter.compare.results import Mark
from opencharacter.records import Domain
from opencharacter.stats.intervals import Estimate, Method, clustered_share, mean_interval
from opencharacter.stats.student import t_quantile, t_tail

_FEW = 50
"""Characters below which Student's t is short of its level, and characters are resampled."""


def estimate(marks: Iterable[Mark], *, level: float) -> Estimate:
    """Return the mean of the marks that are there, with an interval over characters."""
    there = [(mark.value, mark.transcript.persona_id) for mark in marks if mark.value is not None]
    return mean_of([value for value, _ in there], [who for _, who in there], level=level)


def mean_of(values: Sequence[float], characters: Sequence[str], *, level: float) -> Estimate:
    """Return a mean with an interval over characters.

    Of ones and zeros it is Wilson's, which stays inside of them. Where all are the same there is
    none: it would have no width, and say that chance has no part in it.

    Args:
        values: (n,) marks.
        characters: (n,) whose each is.
        level: Of the interval.
    """
    if set(values) <= {0.0, 1.0}:
        return clustered_share(values, characters, level=level)
    method: Method = "studentised" if len(set(characters)) < _FEW else "t"
    found = mean_interval(values, characters, level=level, method=method)
    return found._replace(low=None, high=None, method="all alike") if found.se == 0 else found


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


def gap(inside: Estimate, outside: Estimate, *, level: float) -> Gap | None:
    """Return how much higher in-domain characters are scored; None = a domain has no scores.

    The domains are different characters: standard errors by characters are added, with the degrees
    of freedom of Welch 1947 (Biometrika 34).
    """
    if inside.value is None or outside.value is None:
        return None
    difference = inside.value - outside.value
    if inside.se is None or outside.se is None:
        return Gap(difference, None, None, None)
    parts = [(one.se or 0.0) ** 2 for one in (inside, outside)]
    se = math.sqrt(sum(parts))
    if se == 0:
        return Gap(difference, None, None, None)
    counts = (inside.clusters - 1, outside.clusters - 1)
    df = sum(parts) ** 2 / sum(part**2 / n for part, n in zip(parts, counts, strict=True))
    half = se * t_quantile((1 + level) / 2, df)
    p = min(1.0, 2 * t_tail(abs(difference) / se, df))
    return Gap(difference, difference - half, difference + half, p)


def _by_domain(marks: Iterable[Mark]) -> dict[Domain, list[Mark]]:
    grouped: dict[Domain, list[Mark]] = {}
    for domain in Domain:
        grouped[domain] = []
    for mark in marks:
        grouped[mark.transcript.domain].append(mark)
    return {domain: found for domain, found in grouped.items() if found}
