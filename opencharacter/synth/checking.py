"""The checks of a stage's answers: those that reject, and those that only leave a mark."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from opencharacter.checks.answers import CHECKS, Answer, problems
from opencharacter.checks.breaking import is_machine
from opencharacter.checks.facts import Facts, facts_of
from opencharacter.checks.problem import Problem
from opencharacter.errors import ConfigError
from opencharacter.records import Character, Message

ALWAYS = frozenset({"empty", "control_tokens"})
"""No setting lets these pass: what they find is no text, or breaks the prompts of later stages."""


@dataclass(kw_only=True)
class Checker:
    """Checks what one character says; see `checks.answers` for the checks."""

    character: Character
    reject: frozenset[str]
    rewrites: bool = True
    """Whether the model is shown the references."""

    @cached_property
    def _facts(self) -> Facts:
        return facts_of(self.character)

    def problem(self, text: str, *, question: str, reference: str = "") -> Problem | None:
        """Return the first reason to reject an answer, or None."""
        answer = self._answer(text, question, reference)
        return next(problems(answer, self.reject), None)

    def marks(self, messages: Sequence[Message], references: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the names of the checks that found something and do not reject, in their order.

        Args:
            messages: User and assistant in turn.
            references: Of the assistant's turns, where there are some.
        """
        texts = [message.content for message in messages]
        marking = set(CHECKS) - self.reject
        found: set[str] = set()
        for question, text, reference in zip_longest(texts[::2], texts[1::2], references):
            if text is not None:
                answer = self._answer(text, question, reference or "")
                found |= {problem.reason for problem in problems(answer, marking)}
        return tuple(reason for reason in CHECKS if reason in found)

    def _answer(self, text: str, question: str, reference: str) -> Answer:
        return Answer(
            text=text,
            question=question,
            facts=self._facts,
            is_machine=is_machine(self.character),
            reference=reference,
            reference_seen=self.rewrites,
        )


def rejecting(reject: Collection[str], *, section: str) -> frozenset[str]:
    """Return the checks that reject, `ALWAYS` among them.

    Args:
        reject: Names of checks, as configured.
        section: Of the configuration, for the message.

    Raises:
        ConfigError: there is no such check.
    """
    unknown = sorted(set(reject) - set(CHECKS))
    if unknown:
        raise ConfigError(
            f"{section}.reject names {', '.join(unknown)}; choose from {', '.join(CHECKS)}"
        )
    return ALWAYS | frozenset(reject)
