"""The transcripts and scores of one run, and one number for each transcript and criterion."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, NamedTuple

from opencharacter.records import EvalItem, Failure, Loss, Score, Transcript

LOSS_FACT = "loss on given answers"
"""Key of `Results.facts` that says why there is no such loss."""
RULE = "rule"
"""The judge of scores that a rule gives."""
WORSE = frozenset({"fact_contradicted"})
"""Criteria of which more is worse; they are a headline only where they are asked for by name, and
never with others: see `less_is_better`."""
FACT, SHOWN = "fact", "fact_shown"
"""What the scores of a checklist count as, and what reports call their coverage."""
_FAILED = "candidate_"  # begins the reason of a score for an answer that is no role-play
_ENGINE = f"{_FAILED}{Failure.error}"  # the engine's fault, not the model's
_NOT_REACHED = "not_reached"  # of a turn after the one at which the dialogue ended


class Opponent(NamedTuple):
    """What a transcript was compared with."""

    words: int
    """That its model said."""
    failure: Failure | None


class Rival(NamedTuple):
    """The model that played what a run's answers are compared with."""

    related: Mapping[str, str]
    """Families that a judge of the comparison should not be of, each with whose it is."""
    unknown: Mapping[str, str]
    """Its models whose family nothing says, each with the setting that states it."""


class Scale(NamedTuple):
    """Smallest and largest value of a criterion."""

    low: float
    high: float


SHARE = Scale(0.0, 1.0)
"""Of what is a share, or right or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was played and judged in one run."""

    run: str
    items: Mapping[str, EvalItem]
    transcripts: Sequence[Transcript]
    scores: Sequence[Score]
    suites: Sequence[str] = ()
    """What was played, `name@hash`; empty = as its items say, of which Light has the whole's."""
    about: Mapping[str, float | None] = field(default_factory=dict)
    """Figures about the suite, such as the share of pairs that popularity gets right."""
    incomplete: Sequence[str] = ()
    """Why this is a part of its suite, a sentence each; empty = the whole suite."""
    draws: Sequence[str] = ()
    """What was drawn at random of more characters of a run, a sentence each."""
    cards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By judge, what stage=qualify found; a judge without one is not qualified. Of joined runs: see
    their `parts`."""
    card_hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 of each card that the scores were made under."""
    unseated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Judges below the bar, who scored nothing, with what they fall short of."""
    jury: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By criterion, what several judges say together: agreement, and the mean without each."""
    families: Mapping[str, str] = field(default_factory=dict)
    """Family of each judge, by name."""
    candidates: Mapping[str, str] = field(default_factory=dict)
    """Family of each tested model, by name; of one that was trained here its base's."""
    related: Mapping[str, str] = field(default_factory=dict)
    """Families that a judge should not be of, each with whose it is: the tested model's, its
    teacher's, its base's."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Judges, tested models and teachers whose family nothing says, each with the setting that
    states it."""
    same_family_stated: bool = False
    """Whether a judge of such a family may stand in a headline that says so."""
    human: Mapping[tuple[str, str, int | None], float] = field(default_factory=dict)
    """Mean of people's labels, by transcript, criterion and turn; empty = nobody labelled these."""
    published: Mapping[str, Any] = field(default_factory=dict)
    """Means by a benchmark's published protocol, its faults included; empty = judged by ours."""
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """Of criteria, as the rubrics have them."""
    against: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Of comparisons, by judge and transcript, which run's answer stood beside whose, as in `mine
    over base`; empty = judges read no others beside these."""
    opponents: Mapping[str, Opponent] = field(default_factory=dict)
    """The transcripts that stood beside these, by id."""
    rivals: Mapping[str, Rival] = field(default_factory=dict)
    """Whose kin judges of comparisons may be besides, by `mine over base`."""
    losses: Sequence[Loss] = ()
    """Of the tested model on given answers, one for each dialogue; empty = not measured."""
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    """Of the training: `characters`, `rows`, `tokens`, `method`, where they are known."""
    parts: "Sequence[Results]" = ()
    """The runs that were joined, each with its judges' cards and what its jury says; empty = it is
    of one run."""


def parts_of(results: Results) -> Sequence[Results]:
    """Return the runs that results are of."""
    return results.parts or [results]


class Mark(NamedTuple):
    """What one transcript got in one criterion: the mean of its judges."""

    transcript: Transcript
    criterion: str
    value: float | None
    """Mean over judges of their means over turns and repeats, the judges centred (`offsets_of`);
    None = no judge gave a value."""
    low: float | None
    """What it would be at least if nothing were missing: scores as they were given, the lowest of
    the scale for those that are not there; None without a scale. Of a whole jury offsets add up to
    nothing, so it stays on the scale."""
    high: float | None
    rows: int
    """Scores behind it."""
    missing: int
    """Of those, the ones without a value."""
    failed: int
    """Of those, the ones that count as the lowest, since the answer is no role-play."""
    scale: Scale | None
    """Of the criterion; None = it is not known."""


def judges_of(results: Results, criteria: Sequence[str] | None = None) -> list[str]:
    """Return the judges that are models, by name.

    Args:
        results: Of a run.
        criteria: Only those who scored one of these; None = all.
    """
    found = {
        score.judge
        for score in results.scores
        if criteria is None or group_of(score.criterion) in criteria
    }
    return sorted(found - {RULE})


def kin_of(results: Results) -> dict[str, str]:
    """Return the judges of the family of the tested model, its teacher or base, with whose it is.

    A judge scores its own kin too high (Panickssery et al. 2024, arXiv 2404.13076). Where nothing
    says one of the families, the judge may be kin, and counts as such.
    """
    kin = {}
    others = sorted(m for m, setting in results.unknown.items() if not setting.startswith("judge."))
    for judge, family in results.families.items():
        if family in results.related:
            kin[judge] = results.related[family]
        elif judge in results.unknown:
            kin[judge] = "an unknown"
        elif others:
            kin[judge] = f"what may be {' and '.join(others)}'s"
    return kin


def kin_in(results: Results, pair: str) -> dict[str, str]:
    """Return the judges that are kin of either side of a comparison, as `kin_of`.

    Args:
        results: Of a run.
        pair: One of `Results.against`.
    """
    rival = results.rivals.get(pair, Rival({}, {}))
    related = {**rival.related, **results.related}
    return kin_of(replace(results, related=related, unknown={**rival.unknown, **results.unknown}))


def unknown_words(unknown: Mapping[str, str]) -> list[str]:
    """Return whose family nothing says, and how to state it, a sentence each."""
    return [
        f"Nothing says the family of {model}, so it cannot be ruled out that judges favour their "
        f"own: state it with {setting} (llama, qwen, gpt, ...), and judge again, which asks "
        "nobody."
        for model, setting in sorted(unknown.items())
    ]


def group_of(criterion: str) -> str:
    """Return what a criterion counts as: all facts of a checklist, `fact:age` ..., as `fact`."""
    return criterion.partition(":")[0]


def less_is_better(criteria: Collection[str]) -> bool:
    """Return whether criteria measure faults: the run with fewer points is the better one."""
    return bool(criteria) and set(criteria) <= WORSE


def way_told(criteria: Collection[str]) -> str:
    """Return what stands behind the names of such criteria; nothing of others."""
    return " (less is better)" * less_is_better(criteria)


def models_of(results: Results) -> list[str]:
    """Return the models that played, by name."""
    return sorted({transcript.model for transcript in results.transcripts})


def scales_of(results: Results) -> dict[str, Scale]:
    """Return the scale of each criterion that has one.

    It is that of the rubrics, else of the labels if they are numbers, else, of values that are
    shares, 0 to 1.
    """
    labels: dict[str, tuple[str, ...]] = {}
    values: dict[str, list[float]] = defaultdict(list)
    for score in results.scores:
        name = group_of(score.criterion)
        if score.labels:
            labels.setdefault(name, score.labels)
        if score.value is not None:
            values[name].append(score.value)
    scales = {}
    for criterion in {**labels, **values}:
        found = values[criterion]
        ends = _numbers(labels.get(criterion, ()))
        if ends:
            scales[criterion] = Scale(min(ends), max(ends))
        elif found and min(found) >= 0 and max(found) <= 1:
            scales[criterion] = SHARE
    return scales | dict(results.scales)


def marks_of(
    results: Results, *, without: frozenset[str] = frozenset(), turn: int | None = None
) -> list[Mark]:
    """Return a mark for each transcript and criterion, those that nobody judged too.

    Args:
        results: Of a run.
        without: Judges that are left out.
        turn: Only the scores of this user turn; None = all.
    """
    scales = scales_of(results)
    offsets = offsets_of(results, without=without)
    grouped: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for score in results.scores:
        if score.judge not in without and (turn is None or score.turn == turn):
            grouped[score.transcript_id, group_of(score.criterion)].append(score)
    judged: dict[str, list[str]] = defaultdict(list)
    for transcript_id, criterion in grouped:
        judged[transcript_id].append(criterion)
    marks = []
    for transcript in results.transcripts:
        criteria = judged.get(transcript.id, [])
        if not criteria and turn is None:
            item = results.items.get(transcript.item_id)
            criteria = list(item.dimensions) if item and not item.answers else []
        for criterion in criteria:
            found = grouped.get((transcript.id, criterion), [])
            moved = offsets.get(criterion, {})
            marks.append(_mark(transcript, criterion, found, scales.get(criterion), moved))
    return marks


def offsets_of(
    results: Results, *, without: frozenset[str] = frozenset()
) -> dict[str, dict[str, float]]:
    """Return by criterion what is added to the scores of each judge, so that all share one mean.

    The mean is that over the answers that all judges of the criterion have scored, the anchors:
    there it stays what it was. So a strict judge who could not score some answers does not make
    them better ones.

    Args:
        results: Of a run.
        without: Judges that are left out.

    Returns:
        Nothing of a criterion with one judge, or with fewer than two anchors.
    """
    scored: dict[str, dict[str, dict[tuple[str, str, int | None, int], float]]] = {}
    for score in results.scores:
        if score.judge != RULE and score.judge not in without:
            of_judge = scored.setdefault(group_of(score.criterion), {}).setdefault(score.judge, {})
            if score.value is not None:
                place = (score.transcript_id, score.criterion, score.turn, score.repeat)
                of_judge[place] = score.value
    found = {}
    for criterion, judges in scored.items():
        anchors = set.intersection(*(set(values) for values in judges.values()))
        if len(judges) > 1 and len(anchors) > 1:
            means = {
                name: fmean(values[place] for place in anchors) for name, values in judges.items()
            }
            common = fmean(means.values())
            found[criterion] = {name: common - mean for name, mean in means.items()}
    return found


def _mark(
    transcript: Transcript,
    criterion: str,
    scores: Sequence[Score],
    scale: Scale | None,
    offsets: Mapping[str, float],
) -> Mark:
    values = [(score.judge, _value(score, transcript, scale, offsets)) for score in scores]
    there = [(judge, value) for judge, value in values if value is not None]
    value = low = high = _mean_of_judges(there)
    rows = max(1, len(values))
    missing = rows - len(there)
    if missing:
        raw = [(score.judge, _value(score, transcript, scale, {})) for score in scores]
        low, high = (_filled(raw, end) if scale else None for end in scale or (0.0, 0.0))
    failed = len(there) - sum(score.value is not None for score in scores)
    return Mark(transcript, criterion, value, low, high, rows, missing, failed, scale)


def _value(
    score: Score, transcript: Transcript, scale: Scale | None, offsets: Mapping[str, float]
) -> float | None:
    """Return what a score counts as; an answer that is no role-play has earned the lowest.

    So refusing costs points, and does not make a mean out of easier questions. What was not
    reached is owed to the last turn that was played: where the engine failed there, it is missing.
    """
    if score.value is not None:
        return score.value + offsets.get(score.judge, 0.0)
    return scale.low if scale and is_lowest(score, transcript) else None


def is_lowest(score: Score, transcript: Transcript) -> bool:
    """Tell whether a score counts as the lowest: its answer is no role-play, or was not come to.

    What an engine failed at is nobody's doing, and what came after that neither.
    """
    reason = score.unscored or ""
    is_failed = reason.startswith(_FAILED) and reason != _ENGINE
    failures = transcript.turn_failures
    ended_by = failures[-1] if failures else transcript.failure
    return is_failed or (reason == _NOT_REACHED and ended_by != Failure.error)


def answered(results: Results) -> Results:
    """Return results without the scores that count as the lowest."""
    played = {transcript.id: transcript for transcript in results.transcripts}
    kept = [
        score
        for score in results.scores
        if (of := played.get(score.transcript_id)) is None or not is_lowest(score, of)
    ]
    return replace(results, scores=kept)


def _filled(values: Sequence[tuple[str, float | None]], end: float) -> float:
    """Return the mean of judges with `end` for what is missing."""
    mean = _mean_of_judges([(judge, end if v is None else v) for judge, v in values])
    return end if mean is None else mean


def _mean_of_judges(values: Sequence[tuple[str, float]]) -> float | None:
    if len(values) == 1:  # as in most runs of one turn; many thousands of times
        return values[0][1]
    by_judge: dict[str, list[float]] = defaultdict(list)
    for judge, value in values:
        by_judge[judge].append(value)
    return fmean(map(fmean, by_judge.values())) if by_judge else None


def _numbers(labels: Sequence[str]) -> list[float]:
    """Return labels as numbers; nothing if one is none."""
    try:
        return [float(label) for label in labels]
    except ValueError:
        return []
