"""Runs side by side: one number for each item and criterion that a system was asked."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from opencharacter.compare.headline import headline_criteria, is_calibrated, judges_of
from opencharacter.compare.results import (
    Results,
    Scale,
    group_of,
    kin_of,
    marks_of,
    models_of,
    scales_of,
)
from opencharacter.errors import ConfigError
from opencharacter.records import Control, Domain
from opencharacter.stats.paired import Shared, shared


class Cell(NamedTuple):
    """What a system got for one item in one criterion, over its samples."""

    item: str
    persona: str
    domain: Domain
    task: str
    criterion: str
    value: float | None
    """None = missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One run, as comparisons see it."""

    run: str
    models: Sequence[str]
    judges: Sequence[str]
    """`judge by rubric`, of the headline's scores."""
    cells: Mapping[tuple[str, str], Cell]
    """By item and criterion; without controls."""
    scales: Mapping[str, Scale]
    criteria: Sequence[str]
    """Of the headline."""
    is_calibrated: bool
    incomplete: Sequence[str] = ()
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


def systems_of(runs: Sequence[Results], asked: Sequence[str]) -> list[System]:
    """Return the systems of some runs.

    Judges of the family of one candidate are left out of all, where others are left.

    Args:
        runs: At least one.
        asked: Criteria of the headline by name; empty = see `headline_criteria`.
    """
    judges = {judge for run in runs for judge in judges_of(run)}
    related = frozenset(judge for run in runs for judge in kin_of(run))
    left_out = related if judges - related else frozenset[str]()
    return [_system(run, left_out, asked) for run in runs]


def _system(run: Results, left_out: frozenset[str], asked: Sequence[str]) -> System:
    criteria = headline_criteria(run, asked)
    counted = [
        s for s in run.scores if s.judge not in left_out and group_of(s.criterion) in criteria
    ]
    grouped: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    about: dict[tuple[str, str], tuple[str, Domain, str]] = {}
    for mark in marks_of(run, without=left_out):
        if mark.transcript.control is Control.none:
            key = (mark.transcript.item_id, mark.criterion)
            grouped[key].append(mark.value)
            about[key] = (mark.transcript.persona_id, mark.transcript.domain, mark.transcript.task)
    cells = {
        key: Cell(key[0], *about[key], key[1], _mean(values)) for key, values in grouped.items()
    }
    return System(
        run=run.run,
        models=models_of(run),
        judges=sorted({f"{s.judge} by {s.rubric}" for s in counted}),
        cells=cells,
        scales=scales_of(run),
        criteria=criteria,
        is_calibrated=is_calibrated(run, criteria),
        incomplete=run.incomplete,
        facts=run.facts,
    )


def check_alike(systems: Sequence[System]) -> None:
    """Check that systems can be compared: the same judges by the same rubrics, shared items.

    Raises:
        ConfigError: they cannot.
    """
    first, *others = systems
    for other in others:
        if other.judges != first.judges:
            raise ConfigError(
                f"{first.run} was judged by {_listed(first.judges)}, {other.run} by "
                f"{_listed(other.judges)}: scores of other judges or rubrics cannot be compared; "
                "judge both alike (stage=judge)"
            )
    if not shared_keys(systems, {name for each in systems for name in each.criteria}):
        raise ConfigError(
            f"{_listed([each.run for each in systems])} share no item: they were asked different "
            "suites, characters or draws; play them with the same suite= and suite.seed, and "
            "suite.run= for the characters of another run"
        )


def shared_keys(systems: Sequence[System], criteria: set[str]) -> list[tuple[str, str]]:
    """Return the items and criteria that all systems were asked, in the order of the first."""
    first, *others = systems
    return [
        key
        for key in first.cells
        if key[1] in criteria and all(key in other.cells for other in others)
    ]


def pair(
    first: System, second: System, keys: Sequence[tuple[str, str]]
) -> tuple[Shared, list[str]]:
    """Return what both got where both got something, and the character of each item."""
    named = {f"{item}/{criterion}": (item, criterion) for item, criterion in keys}
    found = shared(
        {name: first.cells[key].value for name, key in named.items()},
        {name: second.cells[key].value for name, key in named.items()},
    )
    return found, [first.cells[named[name]].persona for name in found.items]


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"
