"""From the records of a run to the numbers of its report."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from opencharacter.compare.cards import card_hashes_of, is_calibrated
from opencharacter.compare.headline import (
    bounds_of,
    cautions_of,
    counting,
    coverage_of,
    headline_criteria,
    headline_marks,
    is_anybody,
    left_out_of,
    why_withheld,
)
from opencharacter.compare.losses import losses_of
from opencharacter.compare.means import corrected, estimate, gap, row, rows, scale_of
from opencharacter.compare.measured import NO_FAILURE, Failed, Judge, Report, Row
from opencharacter.compare.measures import measure_of
from opencharacter.compare.preferred import kin_words, preferences_of
from opencharacter.compare.results import (
    FACT,
    RULE,
    SHARE,
    SHOWN,
    Mark,
    Results,
    answered,
    group_of,
    is_lowest,
    judges_of,
    kin_of,
    marks_of,
    models_of,
    scales_of,
)
from opencharacter.config import ReportConfig
from opencharacter.records import Control, Domain, Score, Transcript
from opencharacter.stats.intervals import clustered_share
from opencharacter.stats.variance import Component, components

_FEWEST = 5  # characters below which variances are not worth telling


def report_of(results: Results, settings: ReportConfig) -> Report:
    """Return the numbers of a run's report."""
    level = settings.level
    left_out = left_out_of(results)
    criteria = headline_criteria(results, settings.criteria)
    marks = marks_of(results, without=left_out)
    counted = counting(marks, criteria)
    plain = [mark for mark in marks if mark.transcript.control is Control.none]
    headline = row("headline", counted, level=level)
    withheld = why_withheld(results, criteria, counted, least=settings.min_coverage)
    by_turn = _by_turn(results, criteria, left_out)
    answers = _answers(results, criteria, left_out)
    played = [t for t in results.transcripts if t.control is Control.none]
    return Report(
        run=results.run,
        models=models_of(results),
        suites=sorted(set(results.suites) or {t.suite for t in results.transcripts}),
        is_calibrated=is_calibrated(results, criteria),
        card_hashes=card_hashes_of(results),
        level=level,
        criteria=criteria,
        measure=measure_of(criteria, scale_of(counted), _seated(results, criteria, left_out)),
        withheld=withheld,
        cautions=list(dict.fromkeys([*cautions_of(results, criteria), *kin_words(results)])),
        coverage=coverage_of(counted),
        headline=headline,
        judged=estimate(headline_marks(answered(results), criteria, left_out), level=level),
        answers=len(answers),
        failed=sum(answers.values()),
        gap=gap(counted, level=level),
        bounds=bounds_of(counted) if withheld else [],
        tasks=rows(counted, lambda mark: mark.transcript.task, level=level),
        criteria_rows=[
            *rows(plain, lambda mark: mark.criterion, level=level),
            *_shown(results, left_out, level),
        ],
        turns=_turns(by_turn, level),
        turn_groups=_turn_groups(by_turn),
        rule_turns=_rule_turns(results, criteria, level),
        controls=_controls(marks, criteria, level),
        judges=_judges(results, criteria, left_out, level),
        preferences=preferences_of(results, level=level, least=settings.min_coverage),
        corrected=corrected(by_turn, results.human, level=level),
        spread=_spread(results, criteria, left_out),
        failures=_failures(played, level),
        losses=losses_of(results.losses, level=level),
        transcripts=len(results.transcripts),
        characters=_characters(played),
        units="characters" if is_anybody(results) else "questions",
        facts=results.facts,
    )


def _seated(results: Results, criteria: Sequence[str], left_out: frozenset[str]) -> list[str]:
    """Return the judges in the headline."""
    return [judge for judge in judges_of(results, criteria) if judge not in left_out]


def _shown(results: Results, left_out: frozenset[str], level: float) -> list[Row]:
    """Return the coverage of the checklist: the mean chance that answers show a fact.

    It is the probability of the last label, of those that the labels have; verdicts in JSON have
    none. An answer that is no role-play shows nothing.
    """
    scores = [score for score in results.scores if group_of(score.criterion) == FACT]
    if not any(score.probabilities for score in scores):
        return []
    told = [
        replace(
            score,
            criterion=SHOWN + score.criterion.removeprefix(FACT),
            value=None if score.value is None else _last(score.probabilities),
        )
        for score in scores
        if score.value is None or score.probabilities
    ]
    about = replace(results, scores=told, scales={SHOWN: SHARE})
    marks = [
        mark
        for mark in marks_of(about, without=left_out)
        if mark.criterion == SHOWN and mark.transcript.control is Control.none
    ]
    return rows(marks, lambda mark: mark.criterion, level=level)


def _last(probabilities: Sequence[float]) -> float:
    return probabilities[-1] / sum(probabilities)


def _by_turn(
    results: Results, criteria: Sequence[str], left_out: frozenset[str]
) -> dict[int, list[Mark]]:
    """Return the marks that count, of each user turn from 0; nothing of whole dialogues."""
    turns = sorted({score.turn for score in results.scores if score.turn is not None})
    return {
        turn: counted
        for turn in turns
        if (counted := counting(marks_of(results, without=left_out, turn=turn), criteria))
    }


def _turns(by_turn: Mapping[int, Sequence[Mark]], level: float) -> list[Row]:
    """Return a line for each user turn, from 1; nothing where there is but one."""
    found = [row(str(turn + 1), marks, level=level) for turn, marks in by_turn.items()]
    return found if len(found) > 1 else []


def _turn_groups(by_turn: Mapping[int, Sequence[Mark]]) -> list[int]:
    """Return of each turn the first one of the same dialogues, from 1."""
    first: dict[frozenset[str], int] = {}
    found = [
        first.setdefault(frozenset(mark.transcript.id for mark in marks), turn + 1)
        for turn, marks in by_turn.items()
    ]
    return found if len(found) > 1 else []


def _rule_turns(results: Results, criteria: Sequence[str], level: float) -> list[Row]:
    """Return lines by turn of each criterion of a rule that is not in the headline."""
    beside = {group_of(s.criterion) for s in results.scores if s.judge == RULE} - {*criteria}
    judges = frozenset(judges_of(results))
    return [
        each._replace(name=f"{name}, turn {each.name}")
        for name in sorted(beside)
        for each in _turns(_by_turn(results, [name], judges), level)
    ]


def _controls(marks: Sequence[Mark], criteria: Sequence[str], level: float) -> list[Row]:
    """Return a line for each control; nothing if there was none but `none`."""
    wanted = set(criteria)
    counted = [mark for mark in marks if mark.criterion in wanted]
    found = rows(counted, lambda mark: str(mark.transcript.control), level=level)
    return found if len(found) > 1 else []


def _judges(
    results: Results, criteria: Sequence[str], left_out: frozenset[str], level: float
) -> list[Judge]:
    judges, kin, given = judges_of(results), kin_of(results), answered(results)
    counting_scores, found = _counting(results, criteria), []
    for name in judges:
        own = [score for score in counting_scores if score.judge == name]
        others = frozenset({RULE, *judges}) - {name}
        turned = [s.inconsistency for s in results.scores if s.judge == name]
        found.append(
            Judge(
                name,
                results.families.get(name, ""),
                kin.get(name, ""),
                len(own),
                Counter(score.unscored for score in own if score.unscored is not None),
                estimate(headline_marks(given, criteria, others), level=level),
                estimate(headline_marks(results, criteria, left_out | {name}), level=level),
                _mean(each for each in turned if each is not None),
            )
        )
    return found


def _mean(values: Iterable[float]) -> float | None:
    there = list(values)
    return fmean(there) if there else None


def _counting(results: Results, criteria: Sequence[str]) -> list[Score]:
    """Return the scores that count: of these criteria, without a control."""
    played = {t.id for t in results.transcripts if t.control is Control.none}
    return [
        score
        for score in results.scores
        if group_of(score.criterion) in criteria and score.transcript_id in played
    ]


def _answers(
    results: Results, criteria: Sequence[str], left_out: frozenset[str]
) -> dict[tuple[str, int | None], bool]:
    """Return the answers behind a headline, and whether each counts as the lowest.

    An answer is known by its transcript and turn; of whole dialogues that is None.
    """
    played, scales = {t.id: t for t in results.transcripts}, scales_of(results)
    found: dict[tuple[str, int | None], bool] = defaultdict(bool)
    for score in _counting(results, criteria):
        if score.judge not in left_out:
            has_lowest = group_of(score.criterion) in scales
            is_so = has_lowest and is_lowest(score, played[score.transcript_id])
            found[score.transcript_id, score.turn] |= is_so
    return found


def _spread(
    results: Results, criteria: Sequence[str], left_out: frozenset[str]
) -> dict[str, Component]:
    """Return where the variance of single scores comes from."""
    wanted = set(criteria)
    by_id = {t.id: t for t in results.transcripts if t.control is Control.none}
    found = [
        (
            s.value,
            s.persona_id,
            f"{s.item_id}/{s.criterion}",
            by_id[s.transcript_id].sample,
            s.judge,
        )
        for s in results.scores
        if s.value is not None
        and s.transcript_id in by_id
        and s.judge not in left_out
        and s.criterion in wanted
    ]
    if len({row[1] for row in found}) < _FEWEST:
        return {}
    values, characters, items, samples, judges = zip(*found, strict=True)
    return components(values, characters, items, samples, judges)


def _failures(played: Sequence[Transcript], level: float) -> list[Failed]:
    """Return how often each failure happened, the commonest first."""
    counts = Counter(t.failure or NO_FAILURE for t in played)
    characters = [t.persona_id for t in played]
    return [
        Failed(
            name,
            Counter(t.domain for t in played if (t.failure or NO_FAILURE) == name),
            clustered_share(
                [(t.failure or NO_FAILURE) == name for t in played], characters, level=level
            ),
        )
        for name, _ in counts.most_common()
    ]


def _characters(played: Sequence[Transcript]) -> dict[Domain, int]:
    """Return how many characters of each domain were played."""
    pairs = {(t.domain, t.persona_id) for t in played}
    return dict(Counter(domain for domain, _ in sorted(pairs)))
