"""How often a run's answers are preferred to another's of the same items, at equal length too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from statistics import fmean
from typing import NamedTuple

from opencharacter.compare.means import mean_of
from opencharacter.compare.measured import ALL_JUDGES, Preferred
from opencharacter.compare.results import SHARE, Opponent, Results, kin_in, unknown_words
from opencharacter.records import Control, Failure, Role, Score, Transcript
from opencharacter.stats.winrate import win_rate

PREFERENCE = "preference"
"""Criterion of comparisons."""
_REFITS = 500
"""Draws of characters, with the whole fit made anew for each: seconds for 10,000 comparisons."""


class _Compared(NamedTuple):
    """Two answers to one item, as one judge, or several, chose."""

    mine: Transcript
    other: Opponent | None
    """None = what it was compared with is not there any more."""
    score: Score


def words_of(transcript: Transcript) -> int:
    """Return how many words the character said.

    Those of an item's history too: two answers to an item share them, and only the difference of
    their words is used.
    """
    answers = (m.content for m in transcript.messages if m.role is Role.assistant)
    return sum(len(answer.split()) for answer in answers)


def opponent_of(transcript: Transcript) -> Opponent:
    """Return what a comparison with a transcript needs to know of it."""
    return Opponent(words_of(transcript), transcript.failure)


def preferences_of(results: Results, *, level: float, least: float) -> dict[str, list[Preferred]]:
    """Return by pair of runs a line for all judges together, and of several one for each.

    Judges of the family of either side have no part in the first line where others judged too.

    An answer that is no role-play loses against one that is, and draws against another such one.
    The rate at equal length is of pairs that judges have read.

    Args:
        results: Of a run that was judged with `judge.against`; of others there is no line.
        level: Of the intervals.
        least: Share of comparisons with a value below which bounds stand in place of rates.
    """
    by_id = {t.id: t for t in results.transcripts if t.control is Control.none}
    pairs: dict[str, dict[str, list[_Compared]]] = defaultdict(lambda: defaultdict(list))
    for score in results.scores:
        pair = results.against.get((score.judge, score.transcript_id))
        if score.criterion == PREFERENCE and pair and score.transcript_id in by_id:
            other = results.opponents.get(score.against)
            compared = _Compared(by_id[score.transcript_id], other, score)
            pairs[pair][score.judge].append(compared)
    found = {}
    for pair, by_judge in pairs.items():
        together, left_out = _together(results, pair, by_judge.keys())
        counted = [each for name, its in by_judge.items() if name not in left_out for each in its]
        several = by_judge if len(by_judge) > 1 else {}
        found[pair] = [
            _preferred(name, each, level=level, least=least)
            for name, each in {together: counted, **several}.items()
        ]
    return found


def kin_words(results: Results) -> list[str]:
    """Return which judges of comparisons are, or may be, kin of either side, a sentence each."""
    told: list[str] = []
    for pair in dict.fromkeys(results.against.values()):
        judges = {judge for (judge, _), its in results.against.items() if its == pair}
        kin = {judge: whose for judge, whose in kin_in(results, pair).items() if judge in judges}
        who = ", ".join(f"{judge} (of {whose} family)" for judge, whose in kin.items())
        if not kin:
            continue
        if results.same_family_stated:
            words = f"In {pair} by judge.same_family=true, though judges favour their own: {who}."
        elif judges - kin.keys():
            words = f"Left out of {pair}, as judges favour their own: {who}."
        else:
            words = (
                f"Who judged {pair} is, or may be, kin, and judges favour their own: {who}; judge "
                "with another family, or state it with stage=judge judge.same_family=true."
            )
        rival = results.rivals[pair].unknown if pair in results.rivals else {}
        told += [words, *unknown_words({**rival, **results.unknown})]
    return told


def _together(results: Results, pair: str, judges: Set[str]) -> tuple[str, Set[str]]:
    """Return what the line of all judges is called, and which of them have no part in it."""
    kin = {} if results.same_family_stated else kin_in(results, pair)
    if left_out := judges & kin.keys():
        if left_out < judges:
            return f"{ALL_JUDGES} but {', '.join(sorted(left_out))}", left_out
        whose = sorted({kin[judge] for judge in left_out})
        return f"{ALL_JUDGES}, of {' and '.join(whose)} family", set()
    return ALL_JUDGES, set()


def _preferred(
    name: str, compared: Sequence[_Compared], *, level: float, least: float
) -> Preferred:
    mine = {each.mine.id: each.mine for each in compared}
    values: dict[str, list[float | None]] = defaultdict(list)
    read: dict[str, list[float]] = defaultdict(list)
    lengths: dict[str, int] = {}
    for each in compared:
        values[each.mine.id].append(_value(each))
        if each.score.value is not None and each.other is not None:
            read[each.mine.id].append(each.score.value)
            lengths[each.mine.id] = words_of(each.mine) - each.other.words
    means = {id_: _mean(found) for id_, found in values.items()}
    there = {id_: mean for id_, mean in means.items() if mean is not None}
    controlled = win_rate(
        [fmean(read[id_]) for id_ in lengths],
        list(lengths.values()),
        [mine[id_].persona_id for id_ in lengths],
        level=level,
        draws=_REFITS,
    )
    plain = mean_of(
        list(there.values()), [mine[id_].persona_id for id_ in there], level=level, scale=SHARE
    )
    n = sum(map(len, values.values()))
    missing = sum(value is None for found in values.values() for value in found)
    return Preferred(
        judge=name,
        plain=plain,
        controlled=controlled.controlled,
        length=controlled.beta,
        comparisons=n,
        missing=missing,
        bounds=_bounds(values) if 1 - missing / n < least else None,
    )


def _value(compared: _Compared) -> float | None:
    """Return the share for the run's own answer; None = nobody can tell."""
    if compared.score.value is not None:
        return compared.score.value
    lost = [_is_lost(compared.mine.failure), compared.other and _is_lost(compared.other.failure)]
    if None in lost or not any(lost):
        return None
    return 0.5 if all(lost) else float(not lost[0])


def _is_lost(failure: Failure | None) -> bool | None:
    """Tell whether an answer is no role-play; None = the engine's fault, so nobody knows."""
    return None if failure is Failure.error else failure is not None


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _bounds(values: Mapping[str, Sequence[float | None]]) -> tuple[float, float]:
    """Return the share if the other one had won whatever is missing, and if this one had."""
    low, high = (
        fmean(fmean(end if v is None else v for v in found) for found in values.values())
        for end in (0.0, 1.0)
    )
    return low, high
