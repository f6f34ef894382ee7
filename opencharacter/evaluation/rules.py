"""Scores by rule: what the answers of a transcript say of what the item's rules look for."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from opencharacter.evaluation import expected, facts
from opencharacter.evaluation.expected import Choice, Expected, rouge_l
from opencharacter.evaluation.facts import Fact, said_of
from opencharacter.evaluation.work import USER_FAILED
from opencharacter.records import EvalItem, Failure, Role, Score, Transcript

RULE = "rule"
"""As a judge's name."""


class Verdict(NamedTuple):
    """What a rule says of one answer, by one criterion."""

    criterion: str
    value: float | None
    """None = the rule is not sure."""
    rubric: str
    unsure: str = "unsure"
    """Why it is not, a short fixed word."""
    why: str = ""


def rule_scores(item: EvalItem, transcript: Transcript) -> Iterator[Score]:
    """Yield the scores of a transcript by rule, for each turn that a rule looks at.

    - `fact_stated`, `fact_contradicted`: see `facts`
    - `correct`: the answer is what is expected
    - `agrees`: of two things it chooses the one that the person prefers

    each 1 or 0, and

    - `rouge_l`: F-measure of the longest common sequence of words with a reference, in [0, 1]

    An answer that was cut off, refused or out of character counts as what it says, an
    empty one says nothing. Unscored are turns that a fault of the engine kept from being played
    (`error`, `not_reached`), those that a user played by a model did not come to (`user_failed`),
    contradictions of which the rule is not sure (`unsure`), and answers that choose nothing
    (`no_choice`).
    """
    said = item.played(transcript.messages)
    answers = [message.content for message in said if message.role is Role.assistant]
    for turn, wanted in enumerate(item.answers):
        if not wanted:
            continue
        missing = _missing(transcript, turn)
        for verdict in verdicts(wanted, answers[turn] if turn < len(answers) else ""):
            is_scored = not missing and verdict.value is not None
            yield Score(
                transcript_id=transcript.id,
                item_id=item.id,
                persona_id=item.persona_id,
                judge=RULE,
                rubric=verdict.rubric,
                criterion=verdict.criterion,
                turn=turn,
                value=float(verdict.value or 0) if is_scored else None,
                unscored=None if is_scored else missing or verdict.unsure,
                rationale=verdict.why,
            )


def verdicts(wanted: str, answer: str) -> list[Verdict]:
    """Return what the rule that an item's `answers` entry holds says of an answer."""
    rule = json.loads(wanted)
    if "field" in rule:
        said = said_of(Fact.from_json(wanted), answer)
        return [
            Verdict("fact_stated", said.stated, facts.RULES, why=said.why),
            Verdict("fact_contradicted", said.contradicted, facts.RULES, why=said.why),
        ]
    if "prefers" in rule:
        met = Choice(**rule).is_met(answer)
        return [Verdict("agrees", met, expected.RULES, unsure="no_choice")]
    if "reference" in rule:
        return [Verdict("rouge_l", rouge_l(answer, rule["reference"]), expected.RULES)]
    right = Expected(any_of=tuple(rule["any_of"]), pattern=rule["pattern"]).is_met(answer)
    return [Verdict("correct", right, expected.RULES)]


def _missing(transcript: Transcript, turn: int) -> str | None:
    """Return why a turn was not answered by the model's own doing; None = it was."""
    failures = transcript.turn_failures
    if turn < len(failures):
        return "error" if failures[turn] == Failure.error else None
    if transcript.user_failure:
        return USER_FAILED
    return "not_reached" if failures and failures[-1] == Failure.error else None
