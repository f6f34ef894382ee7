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
from opencharacter.checks.endings import cut_off, open_end
from opencharacter.checks.placeholders import is_about_code, placeholder, prompt_field
from opencharacter.checks.residue import without_residue as plain_answer
from opencharacter.checks.words import words_of
from opencharacter.lint import encoding
from opencharacter.lint.dialogue import Dialogue
from opencharacter.lint.residue import prompt_residue, without_residue
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn, plain_line_ends, standard_role

Mend = Callable[[list[Turn]], list[Turn]]


class Rule(NamedTuple):
    """One thing that can be wrong with a dialogue."""

    problem: str
    find: Callable[[Dialogue], str | None]
    fix: str
    """What the mended copy has instead, for people."""
    mend: Mend | None = None
    """None: the row is left out, or stays as it is if `fix` is `KEPT`."""


class Finding(NamedTuple):
    """One problem of one row."""

    place: str
    """File and line or entry number."""
    problem: str
    detail: str
    fix: str


LEFT_OUT = "the row is left out"
KEPT = "kept: only counted"
"""The fix of what a trainer may want to know, and is no reason to drop a row."""


def findings(dialogue: Dialogue, skip: Collection[str] = ()) -> Iterator[Finding]:
    """Yield every problem of a dialogue, in the order of `RULES`."""
    for rule in RULES:
        if rule.problem not in skip and (detail := rule.find(dialogue)) is not None:
            yield Finding(dialogue.place, rule.problem, detail, rule.fix)


def mended(dialogue: Dialogue, skip: Collection[str] = ()) -> list[Turn] | None:
    """Return the turns with everything mended that can be, or None if something is left.

    Rules are applied one after another, each to what the ones before have made, so the result has
    no problem that a rule knows, but what is only counted.
    """
    for rule in RULES:
        if rule.problem in skip or rule.fix == KEPT or rule.find(dialogue) is None:
            continue
        if rule.mend is None:
            return None
        turns = rule.mend(dialogue.turns)
        dialogue = Dialogue(place=dialogue.place, row=dialogue.row, turns=turns)
    is_clean = all(finding.fix == KEPT for finding in findings(dialogue, skip))
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


def _role_name(dialogue: Dialogue) -> str | None:
    for number, turn in enumerate(dialogue.turns, start=1):
        if (standard := standard_role(turn)) is not turn:
            given, usual = (
                next((rest or {})[key] for key in ("role", "from") if key in (rest or {}))
                for rest in (turn.rest, standard.rest)
            )
            return f"turn {number} is by {given!r}, which chat templates call {usual!r}"
    return None


def _standard_roles(turns: list[Turn]) -> list[Turn]:
    return [standard_role(turn) for turn in turns]


def _plain_answers(turns: list[Turn]) -> list[Turn]:
    return [
        turn._replace(text=plain_answer(turn.text))
        if turn.text and turn.role is Role.assistant
        else turn
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
# Questions that "None" answers.
_HOW_MANY = re.compile(
    r"\b(?:any|which|how (?:many|much)|errors?|mistakes?|returns?|value|output)\b", re.IGNORECASE
)


def _nones(turns: list[Turn]) -> Iterator[int]:
    """Yield which turns are such a word, unless it may answer the turn before."""
    for at, (before, turn) in enumerate(pairwise([Turn(Role.system, ""), *turns])):
        word, question = (turn.text or "").strip(), before.text or ""
        is_answer = turn.role is Role.assistant and (
            is_about_code(question) or bool(_HOW_MANY.search(question))
        )
        if word in _NONES and not is_answer and word.lower() not in words_of(question):
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
        text = turn.text or ""
        found = placeholder(text) or (prompt_field(text) if turn.role is Role.system else None)
        if found:
            return f"{found} in a turn of the {turn.role}"
    return None


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


def _answer_rule(reason: str, fix: str = LEFT_OUT, mend: Mend | None = None) -> Rule:
    def find(dialogue: Dialogue) -> str | None:
        found = (CHECKS[reason](answer) for answer in dialogue.answers)
        return next((detail for detail in found if detail is not None), None)

    return Rule(reason, find, fix, mend)


def _last_answer_rule(problem: str, check: Callable[[str], str | None], fix: str) -> Rule:
    """Return a rule for the last turn: before it, an answer may go on when the user says so."""

    def find(dialogue: Dialogue) -> str | None:
        last = dialogue.turns[-1] if dialogue.turns else None
        return check(last.text or "") if last and last.role is Role.assistant else None

    return Rule(problem, find, fix)


_ELSEWHERE = ("empty", "copies_reference", "template_residue", "cut_off", "assistant_voice")
_IN_ANSWERS = [reason for reason in CHECKS if reason not in _ELSEWHERE]

RULES: tuple[Rule, ...] = (
    Rule("no_turns", _no_turns, LEFT_OUT),
    Rule("carriage_return", _carriage_return, "\\n at the ends of lines", _line_ends),
    Rule("role_name", _role_name, "the usual name", _standard_roles),
    Rule("mojibake", encoding.mojibake, "the characters meant", encoding.without_mojibake),
    Rule(
        "invisible_character", encoding.invisible_character, "taken out",
        encoding.without_invisible,
    ),
    Rule("prompt_residue", prompt_residue, "taken from around the turn", without_residue),
    _answer_rule("template_residue", "taken from in front", _plain_answers),
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
    _last_answer_rule("cut_off", cut_off, LEFT_OUT),
    _answer_rule("assistant_voice", KEPT),
    _last_answer_rule("open_end", open_end, KEPT),
)  # fmt: skip
"""In the order in which they are looked for and mended."""
