"""Paired differences of runs on the items that they share."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opencharacter.compare.alike import said
from opencharacter.compare.faults import PairedFault
from opencharacter.compare.favour import Favour
from opencharacter.compare.headline import too_few
from opencharacter.compare.losses import PairedLoss
from opencharacter.compare.means import inside, mean_of, width_of
from opencharacter.compare.measured import Preferred
from opencharacter.compare.measures import Measure, measure_of
from opencharacter.compare.results import Scale, less_is_better, unknown_words
from opencharacter.compare.systems import Cell, System, pair, pairs_of, shared_keys
from opencharacter.config import CompareConfig
from opencharacter.records import Domain
from opencharacter.stats.intervals import Estimate
from opencharacter.stats.missing import Bounds, Ends, difference_bounds, most_unequal
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.paired import (
    Difference,
    Verdict,
    equivalent,
    least_p,
    paired_difference,
)
from opencharacter.stats.power import detectable

_UNEQUAL = 0.05
ALL = "all"
Key = tuple[str, str]
"""Item and criterion."""


class Paired(NamedTuple):
    """How many points more the second run has than the first, on the same items."""

    first: str
    second: str
    scope: str
    """A domain, `all`, or a criterion."""
    difference: Difference
    p_holm: float | None
    """Adjusted for all lines of its table; None = fewer than two characters."""
    detectable: float | None
    """Smallest true difference that such a comparison finds in 4 of 5 times, if Holm divides the
    level by all lines of the table; None = fewer than two characters, all alike, or so few that no
    difference gets below the level (`least_p`)."""
    least_p: float | None
    """Smallest adjusted p-value that sign flips of so many characters can give in a table of so
    many lines; None = fewer than two characters."""
    same: Verdict | None
    """Whether it stays within the margin; None = not asked."""
    bounds: Bounds | None
    """Between what it is whatever the missing scores would have been; None = nothing is missing,
    or the scale is not known."""


class Standing(NamedTuple):
    """One run among others, on the items that all have a score for."""

    run: str
    overall: Estimate
    domains: dict[Domain, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Some runs."""

    systems: Sequence[System]
    criteria: Sequence[str]
    """Of the headline."""
    measure: Measure
    """What the mean over them is."""
    level: float
    margin: float
    items: int
    """That all runs were asked."""
    left_out: dict[str, int]
    """By run, items that another run was not asked."""
    characters: int
    withheld: Sequence[str]
    """Why there is no headline, a sentence each; empty = there is one."""
    cautions: Sequence[str]
    standings: Sequence[Standing]
    main: Sequence[Paired]
    """What the comparison is for, fixed before: unseen characters, where there are any."""
    domains: Sequence[Paired]
    """The other domains, and all together."""
    by_criterion: Sequence[Paired]
    preferences: Mapping[str, Sequence[Preferred]] = field(default_factory=dict)
    """Of runs that were judged beside another one, by `mine over base`."""
    faults: Sequence[PairedFault] = ()
    """What would spoil a win, by pair of runs; empty = there is none."""
    self_preference: Sequence[Favour] = ()
    """Of judges, where models of several families answered; empty = nothing tells."""
    losses: Sequence[PairedLoss] = ()
    """On answers that both were given; empty = none were."""

    @property
    def title(self) -> str:
        """It says where no human has checked the judges."""
        calibrated = "" if all(s.is_calibrated for s in self.systems) else " (uncalibrated)"
        return f"{', '.join(system.run for system in self.systems)} compared{calibrated}"


def comparison_of(systems: Sequence[System], settings: CompareConfig) -> Comparison:
    """Return how runs differ on the items that all of them were asked.

    Args:
        systems: At least two that can be compared (`check_alike`).
        settings: Level, margin and what a headline needs.
    """
    criteria = [name for name in systems[0].criteria if all(name in s.criteria for s in systems)]
    keys = shared_keys(systems, set(criteria))
    everywhere = [key for key in keys if all(s.cells[key].value is not None for s in systems)]
    items = {item for item, _ in keys}
    left_out = {system.run: len(_asked(system, criteria) - items) for system in systems}
    cells = systems[0].cells
    scopes = _by_domain(systems, keys)
    if len(scopes) > 1:
        scopes[ALL] = keys
    main = next(name for name in (Domain.outside, ALL, *scopes) if name in scopes)
    return Comparison(
        systems=systems,
        criteria=criteria,
        measure=measure_of(criteria, _scale([cells[key] for key in keys]), systems[0].scored_by),
        level=settings.level,
        margin=settings.margin,
        items=len(items),
        left_out=left_out,
        characters=len({cells[key].persona for key in keys}),
        withheld=_withheld(systems, keys, settings),
        cautions=_cautions(systems, left_out),
        standings=[_standing(s, everywhere, settings.level) for s in systems],
        main=_lines(systems, {main: scopes.pop(main)}, settings),
        domains=_lines(systems, scopes, settings),
        by_criterion=_lines(systems, _grouped(cells, keys, _criterion), settings),
    )


def _by_domain(systems: Sequence[System], keys: Sequence[Key]) -> dict[str, list[Key]]:
    """Return the keys by the domain that they are of for all runs; unknown = it is not one."""
    grouped: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        domains = {system.cells[key].domain for system in systems}
        grouped[str(domains.pop() if len(domains) == 1 else Domain.unknown)].append(key)
    return {name: grouped[name] for name in sorted(grouped)}


def _criterion(cell: Cell) -> str:
    return cell.criterion


def _grouped(
    cells: Mapping[Key, Cell], keys: Sequence[Key], scope_of: Callable[[Cell], str]
) -> dict[str, list[Key]]:
    grouped: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        grouped[scope_of(cells[key])].append(key)
    return {name: grouped[name] for name in sorted(grouped)}


def _withheld(systems: Sequence[System], keys: Sequence[Key], settings: CompareConfig) -> list[str]:
    """Return why there is no headline: what each report would say, and who misses more."""
    cells = {system.run: [system.cells[key] for key in keys] for system in systems}
    reasons = [f"{system.run}: {why}" for system in systems for why in system.withheld]
    judges = systems[0].scored_by
    kin = {judge: f"{judge} is of {whose}" for judge, whose in _kin(systems).items()}
    if judges and set(judges) <= kin.keys():
        whose = "; ".join(kin[judge] for judge in judges)
        reasons.append(
            f"{whose}, and judges favour their own: judge with another family, or state it with "
            "stage=judge judge.same_family=true."
        )
        reasons += _unknown_words(systems)
    for run, found in cells.items():
        reasons += [f"{run}: {why}" for why in too_few(found, least=settings.min_coverage)]
    shares = {run: [cell.missing / cell.rows for cell in found] for run, found in cells.items()}
    unequal = most_unequal(shares, [cell.persona for cell in cells[systems[0].run]])
    if unequal and unequal.p <= _UNEQUAL:
        reasons.append(
            f"{unequal.first} and {unequal.second} miss unequally many scores (p = "
            f"{unequal.p:.2g})."
        )
    return reasons


def _kin(systems: Sequence[System]) -> dict[str, str]:
    """Return judges of a candidate's family, where nobody stated that they may judge."""
    found: dict[str, dict[str, list[str]]] = {}
    for system in systems:
        for judge, whose in () if system.kin_stated else system.kin.items():
            found.setdefault(judge, {}).setdefault(whose, []).append(system.run)
    return {
        judge: ", ".join(f"{whose} family ({', '.join(runs)})" for whose, runs in each.items())
        for judge, each in found.items()
    }


def _unknown_words(systems: Sequence[System]) -> list[str]:
    """Return whose family nothing says, in any run, a sentence each."""
    return unknown_words({model: how for each in systems for model, how in each.unknown.items()})


def _kin_told(systems: Sequence[System]) -> list[str]:
    """Return which judges are left out as kin, and which stand in the headline as stated."""
    judges = systems[0].scored_by
    left = [f"{name} (of {who})" for name, who in _kin(systems).items() if name not in judges]
    stated = [
        f"{name} (of {who} family, {system.run})"
        for system in systems
        if system.kin_stated
        for name, who in system.kin.items()
        if name in judges
    ]
    found = []
    if left:
        found.append(f"Left out of the headline, as judges favour their own: {', '.join(left)}.")
    if stated:
        found.append(
            "In the headline by judge.same_family=true, though judges favour their own: "
            f"{', '.join(stated)}."
        )
    return found + (_unknown_words(systems) if found else [])


def _asked(system: System, criteria: Sequence[str]) -> set[str]:
    """Return the items of a run that are of some criteria."""
    return {item for item, criterion in system.cells if criterion in criteria}


def _cautions(systems: Sequence[System], left_out: Mapping[str, int]) -> list[str]:
    found = []
    if not all(system.is_calibrated for system in systems):
        found.append(
            "Uncalibrated: of a run people have not labelled enough answers that its judges scored."
        )
    told = [(system.run, caution) for system in systems for caution in system.cautions]
    found += said(told, {system.run for system in systems})
    found += _kin_told(systems)
    found += [
        f"{left:,} items of {run} were not asked of all, and do not count."
        for run, left in left_out.items()
        if left
    ]
    if len(systems) > 2:
        found.append(
            "The best of several runs is above its true mean by luck too: confirm it on new items."
        )
    return found


def _standing(system: System, keys: Sequence[Key], level: float) -> Standing:
    cells = [system.cells[key] for key in keys]
    return Standing(
        system.run,
        _mean(cells, level),
        {
            domain: _mean([cell for cell in cells if cell.domain is domain], level)
            for domain in Domain
            if any(cell.domain is domain for cell in cells)
        },
    )


def _mean(cells: Sequence[Cell], level: float) -> Estimate:
    there = [(cell.value, cell.persona) for cell in cells if cell.value is not None]
    return mean_of(
        [value for value, _ in there],
        [who for _, who in there],
        level=level,
        scale=_scale(cells),
    )


def _scale(cells: Sequence[Cell]) -> Scale | None:
    """Return the scale that all cells are on; None = there is no one such."""
    scales = {cell.scale for cell in cells}
    return scales.pop() if len(scales) == 1 else None


def _lines(
    systems: Sequence[System], scopes: Mapping[str, Sequence[Key]], settings: CompareConfig
) -> list[Paired]:
    """Return a line for each pair and scope, p-values adjusted over all of them."""
    found = [
        _paired(first, second, name, keys, settings)
        for first, second in pairs_of(systems)
        for name, keys in scopes.items()
    ]
    adjusted = holm([line.difference.p for line in found])
    least = holm([_least(line.difference) for line in found])
    alpha = (1 - settings.level) / max(1, sum(p is not None for p in adjusted))
    can = [p is not None and p <= 1 - settings.level for p in least]
    return [
        line._replace(
            p_holm=p,
            detectable=_detectable(line.difference.estimate, alpha) if is_possible else None,
            least_p=lowest,
        )
        for line, p, lowest, is_possible in zip(found, adjusted, least, can, strict=True)
    ]


def _least(difference: Difference) -> float | None:
    return None if difference.p is None else least_p(difference.estimate.clusters)


def _paired(
    first: System,
    second: System,
    scope: str,
    keys: Sequence[Key],
    settings: CompareConfig,
) -> Paired:
    """Return a line without what hangs on the other lines of its table."""
    both, characters = pair(first, second, keys)
    difference = paired_difference(both.b, both.a, characters, level=settings.level)
    scale = width_of(_scale([second.cells[key] for key in keys]))
    one = inside(difference.estimate, scale, (both.b - both.a).tolist())
    difference = difference._replace(estimate=one)
    if difference.better is not None and less_is_better({criterion for _, criterion in keys}):
        difference = difference._replace(better=1 - difference.better)
    is_known = difference.estimate.value is not None
    return Paired(
        first.run,
        second.run,
        scope,
        difference,
        None,
        None,
        None,
        equivalent(difference.estimate, settings.margin) if is_known else None,
        _bounds(
            [second.cells[key] for key in keys], [first.cells[key] for key in keys], settings.level
        ),
    )


def _bounds(better: Sequence[Cell], worse: Sequence[Cell], level: float) -> Bounds | None:
    """Return where the difference lies whatever is missing; None = nothing is, or no scale."""
    if not any(cell.missing for cell in (*better, *worse)):
        return None
    a, b = _ends(better), _ends(worse)
    if a is None or b is None:
        return None
    return difference_bounds(a, b, [cell.persona for cell in worse], level=level)


def _ends(cells: Sequence[Cell]) -> Ends | None:
    """Return between what each lies; None = a scale is not known."""
    lows = [cell.low for cell in cells if cell.low is not None]
    highs = [cell.high for cell in cells if cell.high is not None]
    return Ends(lows, highs) if len(lows) == len(highs) == len(cells) else None


def _detectable(difference: Estimate, alpha: float) -> float | None:
    """Return what difference such a comparison finds in 4 of 5 times; None = it has no spread."""
    if not difference.se:
        return None
    k = difference.clusters
    return detectable(difference.se * math.sqrt(k), k, alpha=alpha)
