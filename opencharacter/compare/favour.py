"""Whether judges favour their own family, where answers of several families were judged alike.

Source: Panickssery et al. 2024 (arXiv 2404.13076), here judge x family beside answers and judges
(`stats.jury.self_preference`). One run has one model, so that it can only be told between runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from opencharacter.compare.preferred import PREFERENCE
from opencharacter.compare.results import RULE, Results, group_of
from opencharacter.compare.tables import Dot, Table, chance, ends_words, equals, number, ranged
from opencharacter.records import Control, Score, Transcript
from opencharacter.stats.intervals import Estimate
from opencharacter.stats.jury import self_preference
from opencharacter.stats.multiplicity import holm
from opencharacter.stats.student import t_tail

_NOT_TOLD = "cannot be told: it takes a judge, or a run, of a third family"


class Favour(NamedTuple):
    """How many points more a judge gives answers of its own family than the other judges do."""

    judge: str
    family: str
    criterion: str
    families: Sequence[str]
    """Of the models whose answers were judged."""
    judges: int
    """Who scored the same answers, with this one."""
    estimate: Estimate
    """In points of the scale that the judges share; no value = it cannot be told."""
    refused: str
    """Why the judges have no scale in common; empty = they have one."""
    p_holm: float | None = None
    """Of no favour, adjusted for all lines; None = not known."""


class _Place(NamedTuple):
    """What several judges score."""

    run: str
    transcript_id: str
    criterion: str
    turn: int | None


class _Judged(NamedTuple):
    """A score that counts."""

    place: _Place
    score: Score
    wrote: str
    """Family of the model that wrote the answer."""


def favours_of(runs: Sequence[Results], *, level: float) -> list[Favour]:
    """Return for each criterion what each judge gives its own family more, relative to the others.

    The scores are of items that all runs were asked, without controls, by judges who scored all
    runs by one rubric. Runs whose model has no known family have no part. Judges and answers are
    taken out: a strict judge, or a good model, is no preference; nor is one that uses half of the
    scale, for all are brought to one spread inside of families.

    Args:
        runs: Of models of at least two families; of fewer there is nothing to tell.
        level: Of the intervals, over characters.
    """
    known = [run for run in runs if not run.candidates.keys() & run.unknown.keys()]
    families = sorted({family for run in known for family in run.candidates.values()})
    if len(families) < 2:
        return []
    unknown = {model for run in known for model in run.unknown}  # may be kin of anybody
    names = {
        judge: family
        for run in known
        for judge, family in run.families.items()
        if judge not in unknown
    }
    grouped: dict[str, list[_Judged]] = defaultdict(list)
    for one in _judged(known):
        grouped[group_of(one.score.criterion)].append(one)
    found = [
        each
        for criterion in sorted(grouped)
        for each in _favours(criterion, grouped[criterion], families, names, level)
    ]
    adjusted = holm([_p(each.estimate) for each in found])
    return [each._replace(p_holm=p) for each, p in zip(found, adjusted, strict=True)]


def _p(one: Estimate) -> float | None:
    """Return the p-value of no favour, two-sided, Student's t over characters."""
    if one.value is None or not one.se or one.clusters < 2:
        return None
    return 2 * t_tail(abs(one.value) / one.se, one.clusters - 1)


def _judged(runs: Sequence[Results]) -> Iterator[_Judged]:
    """Yield the scores of shared items by judges and rubrics that scored all runs."""
    items = set.intersection(*({t.item_id for t in run.transcripts} for run in runs))
    ways = set.intersection(*(_ways(run) for run in runs))
    for run in runs:
        played: dict[str, Transcript] = {
            t.id: t
            for t in run.transcripts
            if t.control is Control.none and t.item_id in items and t.model in run.candidates
        }
        for score in run.scores:
            if (transcript := played.get(score.transcript_id)) and _way(score) in ways:
                place = _Place(run.run, transcript.id, score.criterion, score.turn)
                yield _Judged(place, score, run.candidates[transcript.model])


def _ways(run: Results) -> set[tuple[str, str, str]]:
    """Return by whom, by what and in which criteria answers were scored, one at a time."""
    told = (s for s in run.scores if s.judge != RULE and s.criterion != PREFERENCE)
    return {_way(score) for score in told}


def _way(score: Score) -> tuple[str, str, str]:
    return score.judge, score.rubric, group_of(score.criterion)


def _favours(
    criterion: str,
    judged: Sequence[_Judged],
    families: Sequence[str],
    names: Mapping[str, str],
    level: float,
) -> list[Favour]:
    """Return a line for each judge whose family answered; nothing where nobody else judged."""
    places = {one.place: one for one in judged}
    given = {(one.score.judge, one.place): one.score.value for one in judged}
    judges = sorted({one.score.judge for one in judged if one.score.judge in names})
    own = [judge for judge in judges if names[judge] in families]
    if len(judges) < 2:
        return []
    marks = {judge: [given.get((judge, place)) for place in places] for judge in judges}
    nothing = Estimate(None, None, None, None, len(places), 0, level, "no common scale")
    found, refused = dict.fromkeys(judges, nothing), ""
    wrote = [one.wrote for one in places.values()]
    characters = [one.score.persona_id for one in places.values()]
    try:
        told = self_preference(marks, names, wrote, characters, one_spread=True, level=level)
        found = {one.judge: one.estimate for one in told}
    except ValueError as error:  # too little that all have scored, or one gives all the same
        refused = str(error)
    return [
        Favour(judge, names[judge], criterion, families, len(judges), found[judge], refused)
        for judge in own
    ]


def favour_words(favours: Sequence[Favour], *, level: float) -> list[str]:
    """Return which judges are shown to favour their own family, a sentence each."""
    return [
        f"{one.judge} gives answers of its own family, {one.family}, {number(one.estimate.value)} "
        f"points more in {one.criterion} than the other judges do ({level:.0%} interval "
        f"{ends_words(one.estimate.low, one.estimate.high, sign=True)}, p {equals(one.p_holm)} "
        "after Holm)."
        for one in favours
        if one.p_holm is not None and one.p_holm <= 1 - level
        if one.estimate.value is not None and one.estimate.value > 0
    ]


def favour_table(favours: Sequence[Favour]) -> Table:
    """Return what each judge gives its own family more."""
    lines = [
        [
            f"{one.judge}, {one.criterion}",
            one.family,
            ", ".join(one.families),
            one.refused or (ranged(one.estimate) if one.estimate.value is not None else _NOT_TOLD),
            chance(one.p_holm),
            f"{one.judges:,}",
            f"{one.estimate.clusters:,}",
        ]
        for one in favours
    ]
    note = (
        "Points that a judge gives answers of its own family more than the other judges do, "
        "relative to what each gives the other families: how strict a judge is, and how good an "
        "answer, are taken out. Items that all runs were asked; 0 = it favours nobody; Holm over "
        "this table."
    )
    columns = ("", "its family", "families that answered", "its own less others", "p (Holm)")
    dots = [[Dot(0, one.estimate)] if one.estimate.low is not None else [] for one in favours]
    return Table(
        "Judges and their own family", note, (*columns, "judges", "characters"), lines, dots,
        ("its own less others",), is_difference=True,
    )  # fmt: skip
