"""A judge's card: what it finds of what was planted, and how it agrees with people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from opencharacter.config import QualifyConfig
from opencharacter.evaluation.planting import FILLER_WORDS, KEEPS, LOWERS, ORIGINAL, Fault
from opencharacter.records import Score
from opencharacter.stats.intervals import Estimate, clustered_share
from opencharacter.stats.winrate import padding_slope

CARDS = "judge_card.json"
"""Of all judges of a run, by name."""
_ANNOTATORS = 3  # from which on the alternative annotator test says something


class Verdict(StrEnum):
    """What a card comes to."""

    meets = "meets the bar"
    below = "is below the bar"
    """It sits in no jury."""
    few = "has too few cases to say"
    """Of some kind of fault; nothing that there are enough of is below. It may sit in a jury, and
    a headline says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a judge did right."""

    share: float | None
    """None = nothing was planted, or nothing scored."""
    low: float | None
    """Of the 95 % interval over characters."""
    high: float | None
    n: int
    """Pairs that were scored."""
    unscored: int
    """Pairs of which one has no verdict; they are in no share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a judge."""

    judge: str
    rubric: str
    detects: dict[str, Rate]
    """Faults that must lower the score, and who is speaking."""
    keeps: dict[str, Rate]
    """Changes that must leave the score, and the choice in the other order."""
    scored: Rate
    """Answers with a verdict."""
    padding: Estimate | None = None
    """Points that each hundred words of filler add to an answer, with the interval over characters;
    it should be 0. None = nothing of it was scored."""
    people: dict[str, Any] = field(default_factory=dict)
    """Agreement with human labels; empty = there are none."""
    least_labelled: int = 0
    """Labelled answers with a verdict that make it calibrated."""
    below: tuple[str, ...] = ()
    """What it falls short of, a sentence each; empty = it may sit in a jury."""
    few: tuple[str, ...] = ()
    """Of what there are too few cases to say, a sentence each."""

    @property
    def verdict(self) -> Verdict:
        """What all of it comes to."""
        if self.below:
            return Verdict.below
        return Verdict.few if self.few else Verdict.meets

    @property
    def has_passed(self) -> bool:
        """Whether it is known to meet all that is asked."""
        return self.verdict is Verdict.meets

    @property
    def is_calibrated(self) -> bool:
        """Whether people have labelled enough of what it gave a verdict of, not all alike."""
        is_compared = "kappa_quadratic" in self.people
        return is_compared and self.people["scored_by_judge"] >= self.least_labelled

    @property
    def calibration(self) -> str:
        """What people have to do with it."""
        if self.is_calibrated and self.people["annotators"] == 1:
            return "labelled by one person, so nobody knows how far people agree"
        if self.is_calibrated:
            return "labelled by people"
        if not self.people:
            return "uncalibrated: no person has labelled any of these answers"
        if self.people["scored_by_judge"] >= self.least_labelled:
            return f"uncalibrated: {self.people['judge']}"
        return (
            f"uncalibrated: {self.people['scored_by_judge']:,} labelled answers have a verdict, "
            f"asked are {self.least_labelled:,} (qualify.least_labelled)"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it for judge_card.json."""
        return asdict(self) | {
            "verdict": str(self.verdict),
            "passed": self.has_passed,
            "calibration": self.calibration,
            "is_calibrated": self.is_calibrated,
        }


def make_card(
    scores: Iterable[Score], bars: QualifyConfig, *, people: Mapping[str, Any] | None = None
) -> Card:
    """Return the card of one judge.

    Args:
        scores: All of one judge, of planted and untouched answers.
        bars: What is asked of it.
        people: Agreement with human labels, if there are any.

    Raises:
        ValueError: There are no scores.
    """
    found = list(scores)
    if not found:
        raise ValueError("a judge without scores has no card")
    padding = None
    detects: dict[str, Rate] = {}
    keeps: dict[str, Rate] = {}
    for fault, criterion in {**LOWERS, **KEEPS}.items():
        pairs = _pairs(found, fault, criterion)
        if fault is Fault.filler:
            padding = _padding(pairs)
        into = detects if fault in LOWERS else keeps
        into[str(fault)] = _rate(pairs, bars, must_fall=fault in LOWERS)
    compared = [score for score in found if score.criterion == Fault.who_is_speaking]
    detects[str(Fault.who_is_speaking)] = _share(
        compared, [None if s.value is None else s.value > 0.5 for s in compared]
    )
    keeps[str(Fault.order_swap)] = _share(compared, [_keeps_its_choice(s) for s in compared])
    scored = _share(found, [score.value is not None for score in found])
    rubrics = [s.rubric for s in found if s.criterion.startswith(ORIGINAL)]
    told = _told(detects, keeps, scored, bars)
    made = Card(
        judge=found[0].judge,
        rubric=rubrics[0] if rubrics else found[0].rubric,
        detects=detects,
        keeps=keeps,
        scored=scored,
        padding=padding,
        people=dict(people or {}),
        least_labelled=bars.least_labelled,
        below=tuple(told[Verdict.below]),
        few=tuple(told[Verdict.few]),
    )
    below, few = _unlike_people(made, bars), _untested(made)
    return replace(made, below=(*made.below, *below), few=(*made.few, *few))


def _pairs(scores: Sequence[Score], fault: Fault, criterion: str) -> list[tuple[Score, Score]]:
    """Return the scores of answers before and after something was done to them."""
    before = {s.transcript_id: s for s in scores if s.criterion == f"{ORIGINAL}:{criterion}"}
    return [(before[s.transcript_id], s) for s in scores if s.criterion == fault]


def _padding(pairs: Sequence[tuple[Score, Score]]) -> Estimate | None:
    """Return what filler adds to the score of an answer, in points for a hundred words."""
    there = [
        (score.value, length, score.transcript_id, score.persona_id)
        for pair in pairs
        if all(score.value is not None for score in pair)
        for score, length in zip(pair, (0.0, FILLER_WORDS / 100), strict=True)
    ]
    if not there:
        return None
    values, lengths, answers, characters = zip(*there, strict=True)
    return padding_slope(values, lengths, answers, characters)


def _rate(pairs: list[tuple[Score, Score]], bars: QualifyConfig, *, must_fall: bool) -> Rate:
    right: list[bool | None] = []
    for before, after in pairs:
        if before.value is None or after.value is None:
            right.append(None)
            continue
        fall = before.value - after.value
        right.append(fall > bars.fall if must_fall else abs(fall) <= bars.tolerance)
    return _share([after for _, after in pairs], right)


def _keeps_its_choice(score: Score) -> bool | None:
    """Tell whether both orders chose the same answer."""
    if score.value is None or score.inconsistency is None:
        return None
    return abs(score.value - 0.5) >= score.inconsistency / 2


def _share(scores: list[Score], right: list[bool | None]) -> Rate:
    known = [
        (s.persona_id, is_right)
        for s, is_right in zip(scores, right, strict=True)
        if is_right is not None
    ]
    unscored = len(right) - len(known)
    if not known:
        return Rate(share=None, low=None, high=None, n=0, unscored=unscored)
    characters, hits = zip(*known, strict=True)
    estimate = clustered_share([float(hit) for hit in hits], list(characters))
    return Rate(
        share=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=len(known),
        unscored=unscored,
    )


def _told(
    detects: Mapping[str, Rate], keeps: Mapping[str, Rate], scored: Rate, bars: QualifyConfig
) -> dict[Verdict, list[str]]:
    """Return what is said of each kind of case, by the verdict on it."""
    asked = [
        *((f"finds {name}", rate, bars.least_detected) for name, rate in detects.items()),
        *((f"keeps its score at {name}", rate, bars.least_kept) for name, rate in keeps.items()),
        ("gives a verdict", scored, bars.least_scored),
    ]
    found: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for what, rate, least in asked:
        told = f"{what} in {rate.share:.0%} of {rate.n:,}" if rate.n else f"{what}: no case"
        if rate.share is None and rate.unscored:
            told = f"{what}: no verdict at all"
        verdict = verdict_on(rate, least, bars.least_cases)
        few = f" of {bars.least_cases:,} cases or more" * (verdict is Verdict.few)
        found[verdict].append(f"{told}, asked are {least:.0%}{few}")
    return found


def verdict_on(rate: Rate, least: float, least_cases: int) -> Verdict:
    """Return whether a judge does right often enough in one kind of case.

    The share decides where there are enough cases, of several characters. Of fewer the interval
    does, where all of it is on one side of what is asked.

    Args:
        rate: How often it does.
        least: How often it must.
        least_cases: How many are enough.
    """
    if not least:
        return Verdict.meets
    if rate.share is None:
        return Verdict.below if rate.unscored >= least_cases else Verdict.few
    if rate.low is None or rate.high is None:  # one character says nothing of others
        return Verdict.few
    if rate.n >= least_cases:
        return Verdict.meets if rate.share >= least else Verdict.below
    if rate.low >= least:
        return Verdict.meets
    return Verdict.below if rate.high < least else Verdict.few


def _unlike_people(card: Card, bars: QualifyConfig) -> list[str]:
    """Return in what a judge does not agree with people as it should, where enough is labelled."""
    if not card.is_calibrated:
        return []
    found, kappa = [], card.people["kappa_quadratic"]["value"]
    if kappa is not None and kappa < bars.least_kappa:
        found.append(
            f"agrees with people at kappa {kappa:.2f} of {card.people['scored_by_judge']:,} "
            f"answers, asked is {bars.least_kappa:.2f}"
        )
    tested = card.people.get("alt_test", {"few": True})
    is_sure = card.people["annotators"] >= _ANNOTATORS and not tested["few"]
    if is_sure and not tested["passed"] and tested["winning_rate"] is not None:
        found.append(
            f"stands in for {tested['winning_rate']:.0%} of its {card.people['annotators']} "
            "annotators, asked is half of them (alternative annotator test)"
        )
    return found


def _untested(card: Card) -> list[str]:
    """Return why a judge could not be tested against enough people, where that is so."""
    tested = card.people.get("alt_test")
    if not (card.is_calibrated and tested) or card.people["annotators"] < _ANNOTATORS:
        return []
    if tested["few"] or tested["winning_rate"] is not None:
        return []
    return [
        f"{card.people['scored_by_judge']:,} labelled answers are of one character, who says "
        "nothing of others (alternative annotator test)"
    ]


def card_page(card: Card) -> str:
    """Return a card as Markdown."""
    lines = [f"# {card.judge}", "", f"By the rubrics {card.rubric}: it {card.verdict}.", ""]
    if not card.is_calibrated:
        lines += [f"**{card.calibration[0].upper()}{card.calibration[1:]}.**", ""]
    lines += ["| | share | 95 % interval | n | unscored |", "|---|---|---|---|---|"]
    rows = [
        *((f"finds {name}", rate) for name, rate in card.detects.items()),
        *((f"keeps its score at {name}", rate) for name, rate in card.keeps.items()),
        ("gives a verdict", card.scored),
    ]
    for name, rate in rows:
        interval = "" if rate.low is None else f"{rate.low:.2f} to {rate.high:.2f}"
        share = "none" if rate.share is None else f"{rate.share:.2f}"
        lines.append(f"| {name} | {share} | {interval} | {rate.n:,} | {rate.unscored:,} |")
    if card.padding:
        one = card.padding
        ends = "no interval" if one.low is None else f"{one.low:+.2f} to {one.high:+.2f}"
        lines += [
            "",
            f"A hundred words of filler add {one.value:+.2f} points ({ends}; 0 is right).",
        ]
    lines += ["", *(f"- below: {sentence}" for sentence in card.below)]
    lines += [f"- too few cases to say: {sentence}" for sentence in card.few]
    return "\n".join([*lines, *_people_lines(card.people)]) + "\n"


def _people_lines(people: Mapping[str, Any]) -> list[str]:
    """Return the agreement with people as a table; nothing where nobody has labelled."""
    if not people:
        return []
    lines = ["", "| held against people | | 95 % interval |", "|---|---|---|"]
    for name, value in people.items():
        if name == "alt_test":
            verdict = "passed" if value["passed"] else "not passed"
            few = ", few answers" if value["few"] else ""
            told = (
                f"{verdict}{few}: winning rate {_figure(value['winning_rate'])}, advantage "
                f"{_figure(value['advantage'])}, epsilon {value['epsilon']:g} | "
            )
        elif isinstance(value, Mapping):
            ends = (value["low"], value["high"])
            told = f"{_figure(value['value'])} | "
            told += "none" if None in ends else " to ".join(map(_figure, ends))
        else:
            told = f"{_figure(value)} | "
        lines.append(f"| {name.replace('_', ' ')} | {told} |")
    return lines


def _figure(value: float | str | None) -> str:
    return "none" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
