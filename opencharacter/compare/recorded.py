"""A run as W&B keeps it, there and back: numbers of its report, and one for each item."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from opencharacter.compare.measured import Report
from opencharacter.compare.systems import Cell, System
from opencharacter.errors import SourceError
from opencharacter.records import Domain

COLUMNS = Cell._fields
"""Of the table of items."""


class _About(msgspec.Struct, kw_only=True, frozen=True):
    """What is kept of a system besides its cells; W&B keeps no empty dictionaries."""

    run: str
    models: list[str]
    judges: dict[str, bool | None] = {}
    criteria: list[str]
    is_calibrated: bool
    scored_by: list[str]
    kin: dict[str, str] = {}
    kin_stated: bool
    unknown: dict[str, str] = {}
    withheld: list[str]
    cautions: list[str]
    card_hashes: dict[str, str] = {}
    facts: dict[str, str | int | float] = {}


def metrics_of(report: Report) -> dict[str, float]:
    """Return the numbers of a report under the same names for every run.

    Of a headline that is withheld there is none: where scores are missing its bounds.
    """
    found = {"report/coverage": report.coverage, "report/transcripts": float(report.transcripts)}
    found |= _bounds_of(report) if report.withheld else _headline_of(report)
    pairs = [lines[0] for lines in report.preferences.values()]
    if len(pairs) == 1 and not pairs[0].bounds and not report.withheld:
        found["report/preferred"] = pairs[0].plain.value
        found["report/preferred/equal_length"] = pairs[0].controlled.value
    for loss in report.losses[:1]:
        found |= {"report/loss": loss.nats.value, "report/loss/low": loss.nats.low}
        found |= {"report/loss/high": loss.nats.high, "report/perplexity": loss.perplexity.value}
        found |= {"report/bits_a_byte": loss.bits.value}
    found |= {f"report/failure/{failed.name}": failed.share.value for failed in report.failures}
    return {name: value for name, value in found.items() if value is not None}


def _headline_of(report: Report) -> dict[str, float | None]:
    found = {"report/headline": report.headline.overall.value}
    for domain, one in report.headline.domains.items():
        if domain is Domain.none:  # it is the headline
            continue
        found |= {f"report/{domain}": one.value, f"report/{domain}/low": one.low}
        found |= {f"report/{domain}/high": one.high}
    if report.gap:
        found["report/gap"] = report.gap.value
    return found | {
        f"report/criterion/{row.name}": row.overall.value for row in report.criteria_rows
    }


def _bounds_of(report: Report) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for each in report.bounds:
        place = "report/bounds" if each.domain is Domain.none else f"report/bounds/{each.domain}"
        found |= {f"{place}/low": each.low, f"{place}/high": each.high}
    return found


def about_of(system: System) -> dict[str, Any]:
    """Return what is kept of a system besides its cells, as plain JSON."""
    about = _About(
        run=system.run,
        models=list(system.models),
        judges=dict(system.judges),
        criteria=list(system.criteria),
        is_calibrated=system.is_calibrated,
        scored_by=list(system.scored_by),
        kin=dict(system.kin),
        kin_stated=system.kin_stated,
        unknown=dict(system.unknown),
        withheld=list(system.withheld),
        cautions=list(system.cautions),
        card_hashes=dict(system.card_hashes),
        facts=dict(system.facts),
    )
    found: dict[str, Any] = msgspec.to_builtins(about)
    return found


def rows_of(system: System) -> list[list[str | float | None]]:
    """Return the table of items, under `COLUMNS`."""
    return [
        [str(value) if isinstance(value, Domain) else value for value in cell]
        for cell in system.cells.values()
    ]


def system_of(name: str, about: object, table: Mapping[str, Any]) -> System:
    """Return a system from what W&B keeps of it.

    Args:
        name: Of the run, for errors.
        about: As `about_of` gave it.
        table: `columns` and `data`, as W&B keeps tables.

    Raises:
        SourceError: it is something else, such as the report of another version.
    """
    try:
        known = msgspec.convert(about, _About)
        columns = msgspec.convert(table["columns"], list[str])
        kept = [msgspec.convert(_named(columns, row), Cell) for row in table["data"]]
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise SourceError(
            f"what W&B keeps of the report of '{name}' cannot be read: {error}; write it again "
            "with this version: stage=report tracking=wandb"
        ) from error
    return System(
        run=known.run,
        models=known.models,
        judges=known.judges,
        cells={(cell.item, cell.criterion): cell for cell in kept},
        criteria=known.criteria,
        is_calibrated=known.is_calibrated,
        scored_by=known.scored_by,
        kin=known.kin,
        kin_stated=known.kin_stated,
        unknown=known.unknown,
        withheld=known.withheld,
        cautions=known.cautions,
        card_hashes=known.card_hashes,
        facts=known.facts,
    )


def _named(columns: Sequence[str], row: Sequence[object]) -> list[object]:
    """Return a row in the order of `COLUMNS`."""
    by_name = dict(zip(columns, row, strict=False))
    return [by_name[column] for column in COLUMNS]
