"""Runs side by side: one number for each item and criterion that a system was asked."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import NamedTuple, TypeVar

from opencharacter.compare.alike import Ways, are_alike, listed, ways_of
from opencharacter.compare.cards import card_hashes_of, is_calibrated
from opencharacter.compare.headline import headline_criteria, no_whole_suite, shared_cautions
from opencharacter.compare.means import scale_of
from opencharacter.compare.results import (
    Mark,
    Results,
    Scale,
    judges_of,
    kin_of,
    marks_of,
    models_of,
)
from opencharacter.errors import ConfigError
from opencharacter.records import Control, Domain
from opencharacter.stats.paired import Shared, shared

_ALL_PAIRS = 4
"""Up to so many runs each is compared with each; of more, each with the first."""
One = TypeVar("One")


class Cell(NamedTuple):
    """What a system got for one item in one criterion, over its samples."""

    item: str
    persona: str
    domain: Domain
    task: str
    criterion: str
    value: float | None
    """None = missing."""
    low: float | None
    """Between this and `high` it is whatever the missing scores would have been; None = the scale
    is not known."""
    high: float | None
    rows: int
    """Scores behind it."""
    missing: int
    """Of those, the ones without a value."""
    lowest: float | None
    """Of its scale; None = that is not known."""
    highest: float | None

    @property
    def scale(self) -> Scale | None:
        """What its marks are on; None = it is not known."""
        if self.lowest is None or self.highest is None:
            return None
        return Scale(self.lowest, self.highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One run, as comparisons see it."""

    run: str
    models: Sequence[str]
    judges: Ways
    """Of the headline's scores."""
    cells: Mapping[tuple[str, str], Cell]
    """By item and criterion; without controls."""
    criteria: Sequence[str]
    """Of the headline."""
    is_calibrated: bool
    scored_by: Sequence[str]
    """Models that judged the headline's scores, by name."""
    kin: Mapping[str, str] = field(default_factory=dict)
    """Judges of its criteria that are of its own, its teacher's or its base's family, those that
    are left out too, each with whose it is."""
    kin_stated: bool = False
    """Whether they may stand in a headline that says so."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Models whose family nothing says, each with the setting that states it; all judges count as
    their kin."""
    withheld: Sequence[str] = ()
    """What stands against any claim over its scores, a sentence each."""
    cautions: Sequence[str] = ()
    """What else to know of any claim over them, such as a judge below the bar of its card."""
    card_hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 of the judges' cards, as in its report."""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


def systems_of(runs: Sequence[Results], asked: Sequence[str]) -> list[System]:
    """Return the systems of some runs.

    Judges of the family of one candidate are left out of all, where others are left and it is not
    stated that they may judge.

    Args:
        runs: At least one.
        asked: Criteria of the headline by name; empty = see `headline_criteria`.

    Raises:
        ConfigError: those asked for are on several scales.
    """
    judges = {judge for run in runs for judge in judges_of(run)}
    related = frozenset(
        judge for run in runs if not run.same_family_stated for judge in kin_of(run)
    )
    left_out = related if judges - related else frozenset[str]()
    return [_system(run, left_out, asked) for run in runs]


def _system(run: Results, left_out: frozenset[str], asked: Sequence[str]) -> System:
    criteria = headline_criteria(run, asked)
    grouped: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    for mark in marks_of(run, without=left_out):
        if mark.transcript.control is Control.none:
            grouped[mark.transcript.item_id, mark.criterion].append(mark)
    judges, ways = judges_of(run, criteria), ways_of(run, without=left_out)
    return System(
        run=run.run,
        models=models_of(run),
        judges=_merged([ways[name] for name in sorted(criteria) if name in ways]),
        cells={key: _cell(marks) for key, marks in grouped.items()},
        criteria=criteria,
        is_calibrated=is_calibrated(run, criteria),
        scored_by=[judge for judge in judges if judge not in left_out],
        kin={judge: whose for judge, whose in kin_of(run).items() if judge in judges},
        kin_stated=run.same_family_stated,
        unknown=run.unknown if judges else {},
        withheld=no_whole_suite(run),
        cautions=shared_cautions(run, criteria, left_out=left_out),
        card_hashes=card_hashes_of(run),
        facts=run.facts,
    )


def _merged(found: Sequence[Ways]) -> dict[str, bool | None]:
    """Return the ways of all criteria of a headline."""
    merged: dict[str, bool | None] = {}
    for ways in found:
        merged |= {name: way for name, way in ways.items() if merged.get(name) is None}
    return merged


def _cell(marks: Sequence[Mark]) -> Cell:
    """Return what the samples of one item got in one criterion."""
    played = marks[0].transcript
    values = [mark.value for mark in marks if mark.value is not None]
    lows = [mark.low for mark in marks if mark.low is not None]
    highs = [mark.high for mark in marks if mark.high is not None]
    scale = scale_of(marks)
    is_bounded = len(lows) == len(highs) == len(marks)
    return Cell(
        item=played.item_id,
        persona=played.persona_id,
        domain=played.domain,
        task=played.task,
        criterion=marks[0].criterion,
        value=fmean(values) if values else None,
        low=fmean(lows) if is_bounded else None,
        high=fmean(highs) if is_bounded else None,
        rows=sum(mark.rows for mark in marks),
        missing=sum(mark.missing for mark in marks),
        lowest=scale.low if scale else None,
        highest=scale.high if scale else None,
    )


def check_alike(systems: Sequence[System]) -> None:
    """Check that systems can be compared: that they were judged alike, and share items.

    Raises:
        ConfigError: they cannot.
    """
    first, *others = systems
    for other in others:
        if not are_alike(first.judges, other.judges):
            raise ConfigError(
                f"{first.run} was judged by {_judged_by(first)}, {other.run} by "
                f"{_judged_by(other)}: scores of other judges, rubrics or kinds of verdict "
                "cannot be compared; judge both alike (stage=judge)"
            )
    if not shared_keys(systems, {name for each in systems for name in each.criteria}):
        raise ConfigError(
            f"{', '.join(each.run for each in systems)} share no item: they were asked different "
            "suites, characters or draws; play them with the same suite= and suite.seed, and "
            "suite.run= for the characters of another run"
        )


def _judged_by(system: System) -> str:
    """Return who judged: of a run whose only judges have no part, these and why."""
    if system.judges or not system.kin:
        return listed(system.judges)
    whose = " and ".join(sorted(set(system.kin.values())))
    return f"{', '.join(sorted(system.kin))} (left out: {whose} family)"


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


def pairs_of(runs: Sequence[One]) -> Iterator[tuple[One, One]]:
    """Yield which runs are held against which: a few each with each, of more all with the first."""
    if len(runs) <= _ALL_PAIRS:
        yield from combinations(runs, 2)
    else:
        yield from ((runs[0], other) for other in runs[1:])
