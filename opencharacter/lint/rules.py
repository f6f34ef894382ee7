"""The rules: what is looked for in a dialogue, and how a mended copy has it.

Structure first, since the others need turns in order. A rule that cannot mend leaves the row out
of the copy. The defects are those that published role-play data has: prompts with `{NAME}` in them,
dialogues that end on the user, answers that go on as the user, literal `None`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from opencharacter.checks.answers import CHECKS
from opencharacter.checks.placeholders import placeholder
from opencharacter.checks.words import words_of
from opencharacter.lint.dialogue import Dialogue
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn

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


def findings(dialogue: Dialogue, skip: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield every problem of a dialogue, in the order of `RULES`."""
    for rule in RULES:
        if rule.problem not in skip and (detail := rule.find(dialogue)) is not None:
            yield Finding(dialogue.place, rule.problem, detail, rule.fix)


def mended(dialogue: Dialogue, skip: Sequence[str] = ()) -> list[Turn] | None:
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


def _system_inside(dialogue: Dialogue) -> str | None:
    roles = [turn.role for turn in dialogue.turns]
    n_first = next((i for i, role in enumerate(roles) if role is not Role.system), len(roles))
    late = next((i for i, role in enumerate(roles) if role is Role.system and i > n_first), None)
    if late is not None:
        return f"turn {late + 1} is the system's, after the dialogue has begun"
    return f"{n_first} system turns in front" if n_first > 1 else None


def _system_first(turns: list[Turn]) -> list[Turn]:
    text = "\n\n".join(turn.text or "" for turn in turns if turn.role is Role.system)
    return [Turn(Role.system, text), *(turn for turn in turns if turn.role is not Role.system)]


def _empty_turn(dialogue: Dialogue) -> str | None:
    for number, turn in enumerate(dialogue.turns, start=1):
        if not (turn.text or "").strip():
            return f"turn {number}, by {turn.role}, is empty"
    return None


def _literal_none(dialogue: Dialogue) -> str | None:
    for number, turn in enumerate(dialogue.turns, start=1):
        if _is_none(turn.text):
            return f"turn {number}, by {turn.role}, is the word {(turn.text or '').strip()!r}"
    return None


def _is_none(text: Any) -> bool:
    return isinstance(text, str) and text.strip() in ("None", "null", "nan", "NaN", "undefined")


def _up_to(is_bad: Callable[[Turn], bool], turns: list[Turn]) -> list[Turn]:
    """Cut a dialogue before its first bad turn; a bad system turn is only left out."""
    kept = [turn for turn in turns if turn.role is not Role.system or not is_bad(turn)]
    end = next((i for i, turn in enumerate(kept) if is_bad(turn)), len(kept))
    return kept[:end]


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
    return [Turn(role, "\n\n".join(turn.text or "" for turn in group)) for role, group in groups]


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
    Rule("system_inside", _system_inside, "one system turn in front, joined", _system_first),
    Rule(
        "empty_turn", _empty_turn, "cut before the turn",
        partial(_up_to, lambda turn: not (turn.text or "").strip()),
    ),
    Rule(
        "literal_none", _literal_none, "cut before the turn",
        partial(_up_to, lambda turn: _is_none(turn.text)),
    ),
    Rule("starts_otherwise", _starts_otherwise, "from the user's first turn on", _from_user_on),
    Rule("no_alternation", _in_a_row, "turns of one speaker joined", _joined),
    Rule("no_last_answer", _ends_otherwise, "cut after the last answer", _to_last_answer),
    Rule("prompt_placeholder", _prompt_placeholder, LEFT_OUT),
    Rule("recites_prompt", _recites, LEFT_OUT),
    *map(_answer_rule, _IN_ANSWERS),
    Rule("cut_off", _cut_off, LEFT_OUT),
)  # fmt: skip
"""In the order in which they are looked for and mended."""
