"""Tables of the judges: how they agree, and what stage=qualify found of each."""

from collections.abc import Mapping
from typing import Any

from opencharacter.compare.cards import cards_of
from opencharacter.compare.results import Results, parts_of
from opencharacter.compare.tables import NONE, Table, ends_words, number, ranged

_PEOPLE = {
    "answers": "answers labelled",
    "annotators": "people",
    "scored_by_judge": "answers that the judge scored too",
    "alpha_of_people": "agreement of people (Krippendorff's alpha)",
    "spearman": "judge and people, Spearman",
    "kappa_quadratic": "judge and people, kappa (quadratic)",
}


def jury_tables(results: Results) -> list[Table]:
    """Return how the judges agree, and what they find of what was planted, where that is known."""
    agreement = [
        _jury_line(f"{name}, {part.run}" if results.parts else name, each)
        for part in parts_of(results)
        for name, each in part.jury.items()
    ]
    found = [
        Table(
            "Agreement of judges",
            "Judges centred on the answers that all have scored. Alpha: Krippendorff, ordinal; "
            "1 = all agree, 0 = by chance.",
            ("", "answers", "alpha", "jury", "without one judge"),
            agreement,
        ),
        _published_table(results.published),
        *(
            table
            for each in cards_of(results)
            if each.card
            for table in (_card_table(each.label, each.card), _people_table(each.label, each.card))
        ),
    ]
    return [table for table in found if table.lines]


def _published_table(found: Mapping[str, Any]) -> Table:
    """Return the numbers that a benchmark's own code would print."""
    means = found.get("means", {}).items()
    lines = [[name, f"{one['mean']:.2f}", f"{one['std']:.2f}"] for name, one in means]
    note = f"{found.get('protocol', '')}; std over personas, no interval."
    return Table("As published", note, ("", "mean", "std"), lines)


def _jury_line(criterion: str, each: Mapping[str, Any]) -> list[str]:
    answers = f"{each['answers']:,}"
    if "jury" not in each:
        return [criterion, answers, NONE, str(each.get("refused", NONE)), NONE]
    jury = each["jury"]
    mean = ranged(jury["mean"])
    without = f"{number(jury['low'])} to {number(jury['high'])}"
    return [criterion, answers, number(each["alpha_ordinal"]), mean, without]


def _card_table(label: str, card: Mapping[str, Any]) -> Table:
    """Return what a judge finds of what was planted in answers."""
    rates = {f"finds {name}": rate for name, rate in card["detects"].items()}
    rates |= {f"keeps its score at {name}": rate for name, rate in card["keeps"].items()}
    rates["gives a verdict"] = card["scored"]
    lines = [
        [what, _rate(rate), f"{rate['n']:,}", f"{rate['unscored']:,}"]
        for what, rate in rates.items()
    ]
    calibration = str(card["calibration"])
    note = f"It {card['verdict']}; {calibration}.{_padding_told(card)}"
    return Table(f"Judge card of {label}", note, ("", "share", "n", "unscored"), lines)


def _people_table(label: str, card: Mapping[str, Any]) -> Table:
    """Return how far a judge agrees with people; no line where nobody has labelled."""
    people = card.get("people", {})
    lines = [[told, _measured(people[name])] for name, told in _PEOPLE.items() if name in people]
    if alt := people.get("alt_test"):
        few = ", of few answers" if alt["few"] else ""
        figures = f"winning rate {number(alt['winning_rate'])}, epsilon {alt['epsilon']:g}"
        verdict = "passed" if alt["passed"] else "not passed"
        lines.append(["alt-test: may stand in for a person", f"{verdict}{few} ({figures})"])
    note = (
        "Held against the labels that people gave; 1 = they agree wholly, 0 = as by chance. "
        "Intervals over characters."
    )
    return Table(f"{label} and people", note, ("", "agreement"), lines)


def _measured(value: Mapping[str, Any] | int | float | None) -> str:
    """Return a figure of a card, with its interval where it has one."""
    if isinstance(value, Mapping):
        ends = f" [{number(value['low'])}, {number(value['high'])}]"
        return number(value["value"]) + ends * (None not in (value["low"], value["high"]))
    if value is None:
        return NONE
    return number(value) if isinstance(value, float) else f"{value:,}"


def _padding_told(card: Mapping[str, Any]) -> str:
    """Return what filler adds to an answer's score, by the card."""
    padding = card.get("padding")
    if not padding:
        return ""
    ends = ends_words(padding["low"], padding["high"], sign=True)
    told = number(padding["value"], sign=True)
    return f" A hundred words of filler add {told} points ({ends}; 0 is right)."


def _rate(rate: Mapping[str, Any]) -> str:
    if rate["share"] is None:
        return NONE
    if rate["low"] is None or rate["high"] is None:
        return f"{rate['share']:.0%}"
    return f"{rate['share']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}]"
