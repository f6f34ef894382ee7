"""The judge cards behind a headline: of each run that it is of, its own."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opencharacter.compare.alike import said
from opencharacter.compare.results import Results, judges_of, parts_of


class Carded(NamedTuple):
    """A judge of a run, and what stage=qualify found of it there."""

    run: str
    judge: str
    card: Mapping[str, Any] | None
    """None = nobody has tested it on this run's answers."""
    sha256: str
    """Of the card; empty without one."""
    label: str
    """What readers know the card by: the judge, and of several runs the run."""


def cards_of(results: Results, criteria: Sequence[str] | None = None) -> list[Carded]:
    """Return the judges of each run that the results are of, with their cards there.

    A card is of the answers of its own run, so that of one run says nothing of the next.

    Args:
        results: Of a run, or of several that were joined.
        criteria: Only judges who scored one of these; None = all.
    """
    return [
        Carded(
            part.run,
            judge,
            part.cards.get(judge),
            part.card_hashes.get(judge, ""),
            f"{judge} ({part.run})" if results.parts else judge,
        )
        for part in parts_of(results)
        for judge in judges_of(part, criteria)
    ]


def card_hashes_of(results: Results) -> dict[str, str]:
    """Return the sha256 of each card, by what readers know it by."""
    return {each.label: each.sha256 for each in cards_of(results) if each.sha256}


def is_calibrated(results: Results, criteria: Sequence[str]) -> bool:
    """Return whether people have labelled enough for the card of each judge in each run.

    Rules need no labels.
    """
    return all(map(_is_calibrated, cards_of(results, criteria)))


def cards_told(results: Results, criteria: Sequence[str]) -> list[str]:
    """Return what the cards behind a headline give to know, a sentence each."""
    cards = cards_of(results, criteria)
    told = [(each.run, sentence) for each in cards for sentence in _told(each)]
    unseated = [
        (part.run, f"Below the bar, so {judge} scored nothing: {'; '.join(why)}.")
        for part in parts_of(results)
        for judge, why in part.unseated.items()
    ]
    return said(told, {each.run for each in cards}) + said(
        unseated, {part.run for part in parts_of(results)}
    )


def uncalibrated_told(results: Results, criteria: Sequence[str]) -> list[str]:
    """Return why the judges are not calibrated; nothing where they are."""
    cards = cards_of(results, criteria)
    lacking = [each for each in cards if not _is_calibrated(each)]
    why = "Uncalibrated: people have not labelled enough answers that these judges scored."
    if results.human and not any(each.card and each.card.get("people") for each in cards):
        why = (
            "Uncalibrated: these labels are not on the judges' cards yet; put them there with "
            "stage=qualify and the same qualify.labels."
        )
    return said(((each.run, why) for each in lacking), {each.run for each in cards})


def _is_calibrated(each: Carded) -> bool:
    return each.card is not None and bool(each.card.get("is_calibrated"))


def _told(each: Carded) -> list[str]:
    """Return what a judge's card gives to know."""
    if each.card is None:
        return [f"{each.judge} has no judge card: nobody has tested it (stage=qualify)."]
    told = []
    if each.card.get("below"):
        told.append(f"{each.judge} is below the bar of its card: {'; '.join(each.card['below'])}.")
    if each.card.get("few"):
        few = "; ".join(each.card["few"])
        told.append(f"The card of {each.judge} has too few cases to say: {few}.")
    if _is_calibrated(each) and each.card.get("people", {}).get("annotators") == 1:
        told.append(f"{each.judge} is {each.card['calibration']}.")
    return told
