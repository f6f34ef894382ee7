"""The rules: what is looked for in a dialogue, and how a mended copy has it.

Structure first, since the others need turns in order. A rule that cannot mend leaves the row out
of the copy. The defects are those that published role-play data has: prompts with `{NAME}` in them,
dialogues that end on the user, answers that go on as the user, literal `None`.
"""

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import groupby, pairwise, takewhile
from typing import NamedTuple

from opencharacter.checks.answers import CHECKS
from opencharacter.checks.placeholders import placeholder
from opencharacter.checks.words import words_of
from opencharacter.lint.dialogue import Dialogue
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn, plain_line_ends

Mend = Callable[[list[Turn]], list[Turn]]


class Rule(NamedTuple):
    """One thing that can be wrong with a dialogue."""

    problem: str
    find: Callable[[Dialogue], str | None]
    fix: str
    """What the mended copy has instead, for people."""
    mend: Mend | None = None
    """None: the row is left out."""


class Finding(NamedTuple):
    """One problem of one row."""

    place: str
    """File and line or entry number."""
    problem: str
    detail: str
    fix: str


LEFT_OUT = "the row is left out"


def findings(dialogue: Dialogue, skip: Collection[str] = ()) -> Iterator[Finding]:
    """Yield every problem of a dialogue, in the order of `RULES`."""
    for rule in RULES:
        if rule.problem not in skip and (detail := rule.find(dialogue)) is not None:
            yield Finding(dialogue.place, rule.problem, detail, rule.fix)


def mended(dialogue: Dialogue, skip: Collection[str] = ()) -> list[Turn] | None:
    """Return the turns with everything mended that can be, or None if something is left.

    Rules are applied one after another, each to what the ones before have made, so the result has
    no problem that a rule knows.
    """
    for rule in RULES:
        if rule.problem in skip or rule.find(dialogue) is None:
            continue
        if rule.mend is None:
            return None
        turns = rule.mend(dialogue.turns)
        dialogue = Dialogue(place=dialogue.place, row=dialogue.row, turns=turns)
    is_clean = next(findings(dialogue, skip), None) is None
    return dialogue.turns if is_clean else None


def _no_turns(dialogue: Dialogue) -> str | None:
    return None if dialogue.spoken else "there is no user or assistant turn"


def _carriage_return(dialogue: Dialogue) -> str | None:
    for number, turn in enumerate(dialogue.turns, start=1):
        if "\r" in (turn.text or ""):
            return f"turn {number}, by {turn.role}, ends lines with '\\r'"
    return None


def _line_ends(turns: list[Turn]) -> list[Turn]:
    return [
        turn if turn.text is None else turn._replace(text=plain_line_ends(turn.text))
        for turn in turns
    ]


def _system_inside(dialogue: Dialogue) -> str | None:
    roles = [turn.role for turn in dialogue.turns]
    n_first = next((i for i, role in enumerate(roles) if role is not Role.system), len(roles))
    late = next((i for i, role in enumerate(roles) if role is Role.system and i > n_first), None)
    if late is not None:
        return f"turn {late + 1} is the system's, after the dialogue has begun"
    return f"{n_first} system turns in front" if n_first > 1 else None


def _system_first(turns: list[Turn]) -> list[Turn]:
    """Join the system turns in front, and cut before a later one: it holds for what follows."""
    front = list(takewhile(lambda turn: turn.role is Role.system, turns))
    said = takewhile(lambda turn: turn.role is not Role.system, turns[len(front) :])
    return [*_one_turn(front), *said]


def _one_turn(turns: list[Turn]) -> list[Turn]:
    """Join turns of one speaker; those that differ in more than the text stay apart."""
    if not turns or any(turn.rest != turns[0].rest for turn in turns):
        return turns
    return [turns[0]._replace(text="\n\n".join(turn.text or "" for turn in turns))]


def _empty_turn(dialogue: Dialogue) -> str | None:
    at = next(_empties(dialogue.turns), None)
    return None if at is None else f"turn {at + 1}, by {dialogue.turns[at].role}, is empty"


def _literal_none(dialogue: Dialogue) -> str | None:
    at = next(_nones(dialogue.turns), None)
    if at is None:
        return None
    turn = dialogue.turns[at]
    return f"turn {at + 1}, by {turn.role}, is the word {(turn.text or '').strip()!r}"


_NONES = ("None", "null", "nan", "NaN", "undefined")


def _nones(turns: list[Turn]) -> Iterator[int]:
    """Yield which turns are such a word, unless the turn before them speaks of it."""
    for at, (before, turn) in enumerate(pairwise([Turn(Role.system, ""), *turns])):
        word = (turn.text or "").strip()
        if word in _NONES and word.lower() not in words_of(before.text or ""):
            yield at


def _empties(turns: list[Turn]) -> Iterator[int]:
    return (at for at, turn in enumerate(turns) if not (turn.text or "").strip())


def _up_to(bad: Callable[[list[Turn]], Iterator[int]], turns: list[Turn]) -> list[Turn]:
    """Cut a dialogue before its first bad turn; a bad system turn is only left out."""
    numbers = list(bad(turns))
    end = next((at for at in numbers if turns[at].role is not Role.system), len(turns))
    return [turn for at, turn in enumerate(turns[:end]) if at not in numbers]


def _starts_otherwise(dialogue: Dialogue) -> str | None:
    first = dialogue.spoken[0].role if dialogue.spoken else Role.user
    return None if first is Role.user else f"the first turn is the {first}'s"


def _from_user_on(turns: list[Turn]) -> list[Turn]:
    begin = next((i for i, turn in enumerate(turns) if turn.role is Role.user), len(turns))
    return [turn for i, turn in enumerate(turns) if turn.role is Role.system or i >= begin]


def _in_a_row(dialogue: Dialogue) -> str | None:
    for role, turns in groupby(turn.role for turn in dialogue.spoken):
        n_turns = len(list(turns))
        if n_turns > 1:
            return f"{n_turns} turns in a row are the {role}'s"
    return None


def _joined(turns: list[Turn]) -> list[Turn]:
    groups = groupby(turns, key=lambda turn: turn.role)
    return [turn for _, group in groups for turn in _one_turn(list(group))]


def _ends_otherwise(dialogue: Dialogue) -> str | None:
    if not dialogue.spoken or dialogue.spoken[-1].role is Role.assistant:
        return None
    return f"the last of {len(dialogue.spoken)} turns is the user's: there is no answer to learn"


def _to_last_answer(turns: list[Turn]) -> list[Turn]:
    answers = [i for i, turn in enumerate(turns) if turn.role is Role.assistant]
    return turns[: answers[-1] + 1] if answers else []


def _prompt_placeholder(dialogue: Dialogue) -> str | None:
    asked = [turn for turn in dialogue.turns if turn.role is not Role.assistant]
    for turn in asked if dialogue.system else []:
        found = placeholder(turn.text or "")
        if found:
            return f"{found} in a turn of the {turn.role}"
    return None


_CUT_CHARS = 60
_GOES_ON = re.compile(
    r"(?:[,(\u2014-]|\b(?:the|an?|and|or|but|of|to|in|on|at|with|for|from|by|as|is|are|was|were"
    r"|that|which|who|because|if|than|into|your|my|his|her|their|its|our|will|would|can|could))\s*\Z"
)


def _cut_off(dialogue: Dialogue) -> str | None:
    """Return how the last answer ends, if more must have followed: on `the`, `and`, a comma."""
    text = (dialogue.spoken[-1].text or "") if dialogue.spoken else ""
    if len(text) < _CUT_CHARS or "```" in text or not _GOES_ON.search(text, len(text) - 20):
        return None
    return f"the last answer ends {text[-30:]!r}"


_RECITED = 30  # words; a character may well tell what it is, but not read its profile out


def _recites(dialogue: Dialogue) -> str | None:
    told = f" {' '.join(words_of(dialogue.system))} "
    if len(told) < _RECITED:
        return None
    for answer in dialogue.answers:
        words = words_of(answer.text)
        for at in range(0, len(words) - _RECITED + 1, 5):
            run = " ".join(words[at : at + _RECITED])
            if f" {run} " in told:
                return f"{_RECITED} words of the system prompt: {run[:80]!r}"
    return None


def _answer_rule(reason: str) -> Rule:
    def find(dialogue: Dialogue) -> str | None:
        found = (CHECKS[reason](answer) for answer in dialogue.answers)
        return next((detail for detail in found if detail is not None), None)

    return Rule(reason, find, LEFT_OUT)


_IN_ANSWERS = [reason for reason in CHECKS if reason not in ("empty", "copies_reference")]

RULES: tuple[Rule, ...] = (
    Rule("no_turns", _no_turns, LEFT_OUT),
    Rule("carriage_return", _carriage_return, "\\n at the ends of lines", _line_ends),
    Rule(
        "system_inside", _system_inside, "those in front joined, cut before a later one",
        _system_first,
    ),
    Rule("empty_turn", _empty_turn, "cut before the turn", partial(_up_to, _empties)),
    Rule("literal_none", _literal_none, "cut before the turn", partial(_up_to, _nones)),
    Rule("starts_otherwise", _starts_otherwise, "from the user's first turn on", _from_user_on),
    Rule("no_alternation", _in_a_row, "turns of one speaker joined", _joined),
    Rule("no_last_answer", _ends_otherwise, "cut after the last answer", _to_last_answer),
    Rule("prompt_placeholder", _prompt_placeholder, LEFT_OUT),
    Rule("recites_prompt", _recites, LEFT_OUT),
    *map(_answer_rule, _IN_ANSWERS),
    Rule("cut_off", _cut_off, LEFT_OUT),
)  # fmt: skip
"""In the order in which they are looked for and mended."""
