"""Whether scores of several runs came about alike, and several runs of one model as one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from opencharacter.compare.results import LOSS_FACT, RULE, Results, group_of, models_of
from opencharacter.errors import ConfigError
from opencharacter.records import Score

Ways = Mapping[str, bool | None]
"""By `judge by rubric`, whether its verdicts are labels in JSON, not expected values over the
probabilities of all; None = not known, or neither."""


def joined(runs: Sequence[Results]) -> Results:
    """Return several runs of one model as one: another suite's transcripts join the first's.

    Raises:
        ConfigError: they are of several models, share a transcript, or were judged differently in
            a criterion that several have.
    """
    first, *others = runs
    for other in others:
        if models_of(other) != models_of(first):
            raise ConfigError(
                f"{first.run} is of {', '.join(models_of(first))}, {other.run} of "
                f"{', '.join(models_of(other))}: a report is of one model; compare models with "
                "stage=compare"
            )
    _check_judged_alike(runs)
    losses = list({row.dialogue_id: row for run in runs for row in run.losses}.values())
    transcripts = [transcript for run in runs for transcript in run.transcripts]
    if len({transcript.id for transcript in transcripts}) < len(transcripts):
        names = ", ".join(run.run for run in runs)
        raise ConfigError(f"{names} share transcripts; name each run once in report.runs")
    return replace(
        first,
        items={id_: item for run in runs for id_, item in run.items.items()},
        transcripts=transcripts,
        scores=[score for run in runs for score in run.scores],
        suites=[suite for run in runs for suite in run.suites],
        about={name: figure for run in runs for name, figure in run.about.items()},
        incomplete=[why for run in runs for why in run.incomplete],
        draws=[draw for run in runs for draw in run.draws],
        families={judge: family for run in runs for judge, family in run.families.items()},
        candidates={model: family for run in runs for model, family in run.candidates.items()},
        related={family: whose for run in runs for family, whose in run.related.items()},
        unknown={model: setting for run in runs for model, setting in run.unknown.items()},
        same_family_stated=all(run.same_family_stated for run in runs),
        scales={name: scale for run in runs for name, scale in run.scales.items()},
        cards={} if others else first.cards,
        card_hashes={} if others else first.card_hashes,
        unseated={} if others else first.unseated,
        against={key: pair for run in runs for key, pair in run.against.items()},
        rivals={pair: rival for run in runs for pair, rival in run.rivals.items()},
        opponents={id_: other for run in runs for id_, other in run.opponents.items()},
        jury={} if others else first.jury,
        human={key: label for run in runs for key, label in run.human.items()},
        losses=losses,
        facts={name: fact for name, fact in first.facts.items() if name != LOSS_FACT or not losses},
        published=next((run.published for run in runs if run.published), {}),
        parts=tuple(runs) if others else (),
    )


def said(told: Iterable[tuple[str, str]], runs: Collection[str]) -> list[str]:
    """Return sentences about runs, each once, and whose it is unless it is of all.

    Args:
        told: By run, a sentence.
        runs: All of them.
    """
    by_sentence: dict[str, dict[str, None]] = defaultdict(dict)
    for run, sentence in told:
        by_sentence[sentence][run] = None
    return [
        sentence if set(runs) <= whose.keys() else f"{', '.join(whose)}: {sentence}"
        for sentence, whose in by_sentence.items()
    ]


def _check_judged_alike(runs: Sequence[Results]) -> None:
    seen: dict[str, tuple[str, Ways]] = {}
    for run in runs:
        for criterion, ways in ways_of(run).items():
            name, before = seen.setdefault(criterion, (run.run, ways))
            if not are_alike(before, ways):
                raise ConfigError(
                    f"judged differently in {criterion}: {name} by {listed(before)}, {run.run} by "
                    f"{listed(ways)}; a gap between them would be one of judges: judge both alike "
                    "(stage=judge)"
                )


def ways_of(results: Results, *, without: frozenset[str] = frozenset()) -> dict[str, Ways]:
    """Return by whom and by what each criterion was scored, those without a value too.

    Args:
        results: Of a run.
        without: Judges that are left out.
    """
    found: dict[str, dict[str, bool | None]] = defaultdict(dict)
    for score in results.scores:
        if score.judge not in without:
            ways, name = found[group_of(score.criterion)], f"{score.judge} by {score.rubric}"
            ways[name] = _is_json(score) if ways.get(name) is None else ways[name]
    return dict(found)


def _is_json(score: Score) -> bool | None:
    """Tell whether a verdict was read from JSON; None = nothing tells."""
    if score.mass is not None:
        return False
    is_choice = score.inconsistency is not None  # of two orders: it keeps their mean alone
    return None if score.value is None or score.judge == RULE or is_choice else True


def are_alike(first: Ways, second: Ways) -> bool:
    """Tell whether scores came about alike, so that their values may be held together.

    A label that a judge writes is no expected value over all labels.
    """
    kinds = [(first[name], second[name]) for name in first.keys() & second.keys()]
    return first.keys() == second.keys() and all(a is None or b is None or a == b for a, b in kinds)


def listed(ways: Ways) -> str:
    """Return by whom and by what scores were given, in words."""
    told = [f"{name}{' in JSON' * bool(is_json)}" for name, is_json in sorted(ways.items())]
    return ", ".join(told) or "nobody"
