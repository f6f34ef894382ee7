"""All checks of one assistant turn, in a fixed order.

Each is a pure function that returns what it found, or None. They are deliberately narrow: a good
answer thrown away is lost, and a bad one that a narrow pattern misses still meets the model-based
filters. A check costs tens of microseconds.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from opencharacter.checks.breaking import breaks_character
from opencharacter.checks.control import control_tokens, replacement_character
from opencharacter.checks.copying import copies_question, copies_reference
from opencharacter.checks.endings import cut_off
from opencharacter.checks.facts import NOTHING_KNOWN, Facts, contradicts_profile
from opencharacter.checks.language import language_switch
from opencharacter.checks.leaking import prompt_leak
from opencharacter.checks.loops import repeats
from opencharacter.checks.placeholders import placeholder
from opencharacter.checks.problem import Problem
from opencharacter.checks.residue import template_residue
from opencharacter.checks.voice import assistant_voice, speaks_for_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One assistant turn, with what it is checked against."""

    text: str
    question: str
    """The user turn right before it."""
    facts: Facts = NOTHING_KNOWN
    """Of who speaks."""
    is_machine: bool = False
    """Whether the character is an AI or a robot: it may say so, but may not refuse."""
    reference: str = ""
    """The answer that was there before; empty = there was none."""
    reference_seen: bool = True
    """Whether the prompt showed the reference, to be rewritten."""

    @property
    def plain(self) -> str:
        """The text in lower case, with straight apostrophes."""
        return self.text.lower().replace("\u2019", "'")


Check = Callable[[Answer], str | None]

CHECKS: dict[str, Check] = {
    "empty": lambda a: None if a.text.strip() else "no text",
    "control_tokens": lambda a: control_tokens(a.text),
    "replacement_character": lambda a: replacement_character(a.text, a.question),
    "template_residue": lambda a: template_residue(a.text, a.question),
    "breaks_character": lambda a: breaks_character(
        a.plain, is_machine=a.is_machine, question=a.question
    ),
    "copies_question": lambda a: copies_question(a.text, a.question),
    "prompt_leak": lambda a: prompt_leak(a.text, a.question),
    "placeholder": lambda a: placeholder(a.text, a.question),
    "repetition": lambda a: repeats(a.text, a.question),
    "speaks_for_user": lambda a: speaks_for_user(a.plain, a.question),
    "contradicts_profile": lambda a: contradicts_profile(a.text, a.facts, a.question),
    # What the dialogue had cut off as well is gone on with by the next turns.
    "cut_off": lambda a: None if cut_off(a.reference) else cut_off(a.text),
    "language_switch": lambda a: language_switch(a.text, a.question),
    "copies_reference": lambda a: copies_reference(a.text, a.reference, seen=a.reference_seen),
    "assistant_voice": lambda a: assistant_voice(a.plain),
}
"""By reason, in the order in which they are applied."""


def problems(answer: Answer, reasons: Collection[str] = tuple(CHECKS)) -> Iterator[Problem]:
    """Yield what is wrong with one assistant turn, by the checks that `reasons` names."""
    for reason, check in CHECKS.items():
        if reason in reasons and (detail := check(answer)) is not None:
            yield Problem(reason, detail)
