"""Whether a run may have a headline, and what is said instead."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from statistics import fmean
from typing import Protocol

from opencharacter.compare.cards import cards_told, uncalibrated_told
from opencharacter.compare.measured import Bounds
from opencharacter.compare.results import (
    WORSE,
    Mark,
    Results,
    Scale,
    group_of,
    judges_of,
    kin_of,
    marks_of,
    offsets_of,
    scales_of,
    unknown_words,
)
from opencharacter.errors import ConfigError
from opencharacter.records import Control, Domain, EvalItem

_UNEQUAL = 0.05
_BESIDE = {"fact", "preference"}  # what judges are asked besides what the items name
JURY = 3
"""Judges of different families that a jury should have."""


class Counted(Protocol):
    """What stands for some scores, of which a part may have no value."""

    @property
    def rows(self) -> int:
        """Scores behind it."""

    @property
    def missing(self) -> int:
        """Of those, the ones without a value."""


def headline_criteria(results: Results, asked: Sequence[str]) -> list[str]:
    """Return the criteria whose mean is the headline.

    Args:
        results: Of a run.
        asked: Criteria by name; empty = of those that the items name, all of the scale that most
            scores are on. Points of different scales have no mean.

    Raises:
        ConfigError: one of those asked for is none of the run's, or they are on several scales, or
            of some of them more is better and of others less.
    """
    scales = scales_of(results)
    if asked:
        _check_known(results, asked)
        _check_one_way(results.run, asked)
        _check_one_scale(results.run, {name: scales[name] for name in asked if name in scales})
        return list(asked)
    counts = Counter(group_of(score.criterion) for score in results.scores)
    named = {name for item in results.items.values() for name in item.dimensions}
    beside = named or counts.keys() - _BESIDE
    chosen = [name for name in sorted(counts) if name in beside and name not in WORSE]
    if not chosen:
        chosen = sorted(counts.keys() - WORSE)
    by_scale: Counter[Scale | None] = Counter()
    for name in chosen:
        by_scale[scales.get(name)] += counts[name]
    commonest = max(by_scale, key=lambda scale: by_scale[scale], default=None)
    return [name for name in chosen if scales.get(name) == commonest]


def _check_known(results: Results, asked: Sequence[str]) -> None:
    scored = {group_of(score.criterion) for score in results.scores}
    known = scored | {name for item in results.items.values() for name in item.dimensions}
    if unknown := sorted(set(asked) - known):
        raise ConfigError(
            f"{results.run} has no scores by {', '.join(unknown)} (report.criteria, "
            f"compare.criteria); it has {', '.join(sorted(known)) or 'none at all'}"
        )


def _check_one_way(run: str, asked: Sequence[str]) -> None:
    faults, others = sorted(WORSE.intersection(asked)), sorted(set(asked) - WORSE)
    if faults and others:
        raise ConfigError(
            f"{run}: of {', '.join(faults)} less is better, and of {', '.join(others)} more: they "
            "have no mean; name them one by one (report.criteria, compare.criteria)"
        )


def _check_one_scale(run: str, scales: Mapping[str, Scale]) -> None:
    if len(set(scales.values())) > 1:
        told = ", ".join(
            f"{name} is on {scale.low:g} to {scale.high:g}"
            for name, scale in sorted(scales.items())
        )
        raise ConfigError(
            f"{run}: {told}: points of different scales have no mean; name criteria of one scale "
            "(report.criteria, compare.criteria)"
        )


def headline_marks(
    results: Results, criteria: Sequence[str], without: frozenset[str] = frozenset()
) -> list[Mark]:
    """Return the marks of a run that count, without some judges."""
    return counting(marks_of(results, without=without), criteria)


def counting(marks: Sequence[Mark], criteria: Sequence[str]) -> list[Mark]:
    """Return the marks that count: of these criteria, without a control."""
    wanted = set(criteria)
    return [
        mark
        for mark in marks
        if mark.criterion in wanted and mark.transcript.control is Control.none
    ]


def coverage_of(marks: Sequence[Counted]) -> float | None:
    """Return the share of scores with a value; None = there are no scores."""
    rows = sum(mark.rows for mark in marks)
    return 1 - sum(mark.missing for mark in marks) / rows if rows else None


def left_out_of(results: Results) -> frozenset[str]:
    """Return the judges that are not in the headline: kin of the tested model, if others are."""
    kin = set() if results.same_family_stated else set(kin_of(results))
    return frozenset(kin) if set(judges_of(results)) - kin else frozenset()


def why_withheld(
    results: Results, criteria: Sequence[str], marks: Sequence[Mark], *, least: float
) -> list[str]:
    """Return why there is no headline, a sentence each; empty = there is one.

    Args:
        results: Of a run.
        criteria: Of the headline.
        marks: Those that count.
        least: Share of scores with a value that a headline needs.
    """
    reasons = no_whole_suite(results)
    judges, kin = judges_of(results, criteria), kin_of(results)
    if judges and set(judges) <= set(kin) and not results.same_family_stated:
        whose = "; ".join(f"{judge} is of {kin[judge]} family" for judge in judges)
        reasons.append(
            f"{whose}, and judges favour their own: judge with another family, or state it with "
            "stage=judge judge.same_family=true."
        )
        reasons += unknown_words(results.unknown)
    reasons += too_few(marks, least=least)
    p = missing_by_domain(marks)
    if p is not None and p <= _UNEQUAL:
        reasons.append(
            f"In-domain and out-of-domain characters miss unequally many scores (p = {p:.2g}), so "
            "the gap would be one of what is missing."
        )
    return reasons


def no_whole_suite(results: Results) -> list[str]:
    """Return what stands against any claim over the scores of a run, whoever gave them."""
    reasons = [f"A part of the suite: {sentence}" for sentence in results.incomplete]
    if results.published:
        reasons.append(f"By a published protocol: {results.published['protocol']}.")
    return reasons


def too_few(marks: Sequence[Counted], *, least: float) -> list[str]:
    """Return why too many scores are missing for a headline; empty = they are not."""
    share = coverage_of(marks)
    if share is None:
        return ["Nothing was scored in the headline's criteria."]
    if share >= least:
        return []
    return [f"{1 - share:.1%} of the scores are missing, and a headline allows {1 - least:.1%}."]


def missing_by_domain(marks: Sequence[Mark]) -> float | None:
    """Return the p-value of the two domains having as many characters with a missing score.

    Fisher's exact test (Fisher 1935, JRSS 98), two-sided; None = one domain has no characters.
    """
    characters: dict[Domain, dict[str, bool]] = {Domain.inside: {}, Domain.outside: {}}
    for mark in marks:
        if (found := characters.get(mark.transcript.domain)) is not None:
            persona = mark.transcript.persona_id
            found[persona] = found.get(persona, False) or mark.missing > 0
    inside, outside = (list(found.values()) for found in characters.values())
    if not inside or not outside:
        return None
    n, k, hits = len(inside) + len(outside), len(inside), sum(inside) + sum(outside)
    ways = [
        _log_ways(hits, x) + _log_ways(n - hits, k - x)
        for x in range(max(0, k + hits - n), min(k, hits) + 1)
    ]
    here = _log_ways(hits, sum(inside)) + _log_ways(n - hits, k - sum(inside))
    total = _log_ways(n, k)
    return min(1.0, sum(math.exp(way - total) for way in ways if way <= here + 1e-9))


def _log_ways(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to choose k of n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def bounds_of(marks: Sequence[Mark]) -> list[Bounds]:
    """Return between what each domain's mean lies, whatever the missing scores would have been.

    Where none is missing there is nothing between.
    """
    found: list[Bounds] = []
    if not any(mark.missing for mark in marks):
        return found
    for domain in Domain:
        low = [mark.low for mark in marks if mark.transcript.domain is domain]
        high = [mark.high for mark in marks if mark.transcript.domain is domain]
        lows, highs = [v for v in low if v is not None], [v for v in high if v is not None]
        if lows and len(lows) == len(low):
            found.append(Bounds(domain, fmean(lows), fmean(highs)))
    return found


def cautions_of(results: Results, criteria: Sequence[str]) -> list[str]:
    """Return what else a reader must know of a headline over these criteria, a sentence each."""
    left_out = left_out_of(results)
    found = uncalibrated_told(results, criteria)
    found += shared_cautions(results, criteria, left_out=left_out)
    if held := results.about.get("held_out_characters"):
        found.append(
            f"{held:,.0f} more characters of the mixture chose the step that was kept, for the "
            "training held them out (train.holdout.characters): they count neither as in-domain "
            "nor as out-of-domain."
        )
    popularity = results.about.get("popularity")
    if popularity is not None:
        found.append(
            f"Without a model: what is popular gets {popularity:.1%} of the pairs right, chance "
            "50.0%."
        )
    found += _kin_told(results, judges_of(results, criteria))
    if is_anybody(results) and all(t.domain is Domain.unknown for t in results.transcripts):
        found.append(
            "Whether the model was trained on these characters is not known, so there is no gap "
            "between in-domain and out-of-domain."
        )
    elif "characters" not in results.facts and any(
        t.domain is Domain.inside for t in results.transcripts
    ):
        found.append(
            "In-domain characters are those of the mixture; nothing says that this model was "
            "trained on it, for it is no checkpoint of a run."
        )
    return found


def shared_cautions(
    results: Results, criteria: Sequence[str], *, left_out: frozenset[str]
) -> list[str]:
    """Return what to know of any claim over these scores, a report's or a comparison's.

    Args:
        results: Of a run.
        criteria: Of the headline.
        left_out: Judges that are not in it.
    """
    found = cards_told(results, criteria)
    found += _not_centred(results, criteria, left_out)
    found += [f"A random draw: {sentence}." for sentence in results.draws]
    found += _jury_told(results, set(judges_of(results, criteria)) - left_out)
    return found + _users_told(results)


def is_anybody(results: Results) -> bool:
    """Tell whether anybody is played."""
    return any(item.persona or item.system for item in results.items.values())


def _kin_told(results: Results, judges: Sequence[str]) -> list[str]:
    """Return which judges are, or may be, kin, and whether they stand in the headline."""
    kin = {judge: whose for judge, whose in kin_of(results).items() if judge in judges}
    told = ", ".join(f"{judge} (of {whose} family)" for judge, whose in kin.items())
    if kin and left_out_of(results):
        found = f"Left out of the headline, as judges favour their own: {told}."
    elif kin and results.same_family_stated:
        found = (
            f"In the headline by judge.same_family=true, though judges favour their own: {told}."
        )
    else:
        return []
    return [found, *unknown_words(results.unknown)]


def _jury_told(results: Results, judges: Set[str]) -> list[str]:
    """Return that fewer families judged than a jury has.

    Args:
        results: Of a run.
        judges: Those in the headline.
    """
    families = {results.families.get(judge, judge) for judge in judges}
    if not 0 < len(families) < JURY:
        return []
    told = f"{len(judges)} judge{'s' * (len(judges) > 1)}"
    if len(families) == 1 < len(judges):
        told += f" of one family ({min(families)})"
    elif len(families) < len(judges):
        told += f" of {len(families)} families"
    return [
        f"{told} in the headline, and a jury has {JURY} of different families: the figures hang "
        "on whom was asked."
    ]


def _not_centred(results: Results, criteria: Sequence[str], left_out: frozenset[str]) -> list[str]:
    """Return in which criteria several judges have no two answers in common that all scored."""
    centred = offsets_of(results, without=left_out)
    names = [
        name
        for name in criteria
        if len(set(judges_of(results, [name])) - left_out) > 1 and name not in centred
    ]
    if not names:
        return []
    return [
        f"The judges are not centred in {', '.join(names)}: they have scored fewer than two "
        "answers in common, so who scored which answer moves the mean. Leave out of judge.jury "
        "whoever gives no verdicts (the table of judges says why), or let all score more answers."
    ]


def _users_told(results: Results) -> list[str]:
    """Return how often a model that plays the user could not go on."""
    simulated = [t for t in results.transcripts if _has_user(results.items.get(t.item_id))]
    failed = Counter(str(t.user_failure) for t in simulated if t.user_failure)
    if not failed:
        return []
    told = ", ".join(f"{count:,} {name}" for name, count in failed.most_common())
    return [
        f"In {failed.total():,} of {len(simulated):,} dialogues the model that plays the user "
        f"failed ({told}): what would have come is missing, and no fault of the tested model."
    ]


def _has_user(item: EvalItem | None) -> bool:
    return item is not None and bool(item.user)
