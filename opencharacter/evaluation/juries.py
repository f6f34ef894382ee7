"""Several judges of the same answers: on one scale, without each of them, and their agreement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opencharacter.records import Score
from opencharacter.stats.agreement import alpha
from opencharacter.stats.jury import centred, jury

FEWEST = 2
"""Answers that all judges have scored, under which they have no common scale."""


class Place(NamedTuple):
    """What several judges score."""

    transcript_id: str
    criterion: str
    turn: int | None


def jury_of(
    scores: Iterable[Score], judges: Collection[str], answers: Collection[str]
) -> dict[str, Any]:
    """Return what a jury says, by criterion; the facts of a checklist are one.

    The judges are centred on the answers that all of them have scored: those are the anchors.

    Args:
        scores: Of all judges, of the same transcripts; those of no named transcript do not count.
        judges: By name.
        answers: Ids of the transcripts that count: a control is no answer.
    """
    grids: dict[str, dict[Place, dict[str, Score]]] = {}
    for score in scores:
        if score.transcript_id not in answers:
            continue
        place = Place(score.transcript_id, score.criterion, score.turn)
        kind = score.criterion.partition(":")[0]
        grids.setdefault(kind, {}).setdefault(place, {})[score.judge] = score
    return {kind: _by_criterion(grid, judges) for kind, grid in sorted(grids.items())}


def _by_criterion(
    grid: Mapping[Place, Mapping[str, Score]],
    everybody: Collection[str],
) -> dict[str, Any]:
    judges = sorted(everybody)
    raw = {
        judge: [row[judge].value if judge in row else None for row in grid.values()]
        for judge in judges
    }
    characters = [next(iter(row.values())).persona_id for row in grid.values()]
    shared = [all(row is not None for row in column) for column in zip(*raw.values(), strict=True)]
    found: dict[str, Any] = {"answers": len(shared), "anchors": sum(shared)}
    try:
        scaled = centred(raw, shared)
    except ValueError as error:  # too little that all have scored, or one gives all the same
        return found | {"refused": _too_few(raw, shared) if sum(shared) < FEWEST else str(error)}
    return found | {
        "jury": jury(scaled, characters)._asdict(),
        "alpha_ordinal": alpha([_ranked(raw[judge]) for judge in judges], "ordinal"),
    }


def _too_few(raw: Mapping[str, Sequence[float | None]], shared: Sequence[bool]) -> str:
    """Return why there is no common scale, and how many each judge has scored."""
    counts = {judge: sum(mark is not None for mark in marks) for judge, marks in raw.items()}
    told = ", ".join(f"{judge} {count:,}" for judge, count in counts.items())
    return (
        f"{sum(shared):,} of {len(shared):,} answers have a verdict of all {len(raw)} judges "
        f"({told}), and a common scale takes {FEWEST}"
    )


def _ranked(marks: list[float | None]) -> list[float | None]:
    """Return marks to the nearest point: ordinal categories, as people would give them."""
    return [None if mark is None else float(round(mark)) for mark in marks]
