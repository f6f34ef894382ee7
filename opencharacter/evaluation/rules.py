"""Scores by rule: what the answers of a transcript say of the facts that were asked for."""

from collections.abc import Iterator

from opencharacter.evaluation.facts import RULES, Fact, said_of
from opencharacter.records import EvalItem, Failure, Role, Score, Transcript

RULE = "rule"
"""As a judge's name."""


def rule_scores(item: EvalItem, transcript: Transcript) -> Iterator[Score]:
    """Yield the scores of a transcript by rule: two for each turn that asked for a fact.

    `fact_stated` is 1 where the fact is said, else 0; `fact_contradicted` is 1 where something else
    is said, or a false premise agreed to, else 0. An answer that was cut off, refused or out of
    character counts as what it says, an empty one says nothing. Unscored are turns that a fault of
    the engine kept from being played (`error`, `not_reached`), and contradictions of which the rule
    is not sure (`unsure`).
    """
    answers = [m.content for m in transcript.messages if m.role is Role.assistant]
    for turn, wanted in enumerate(item.answers):
        if not wanted:
            continue
        fact = Fact.from_json(wanted)
        missing = _missing(transcript, turn)
        said = said_of(fact, answers[turn] if turn < len(answers) else "")
        values = (
            ("fact_stated", float(said.stated)),
            ("fact_contradicted", None if said.contradicted is None else float(said.contradicted)),
        )
        for criterion, value in values:
            yield Score(
                transcript_id=transcript.id,
                item_id=item.id,
                persona_id=item.persona_id,
                judge=RULE,
                rubric=RULES,
                criterion=criterion,
                turn=turn,
                value=None if missing else value,
                unscored=missing or (None if value is not None else "unsure"),
                rationale=said.why,
            )


def _missing(transcript: Transcript, turn: int) -> str | None:
    """Return why a turn was not answered by the model's own doing; None = it was."""
    failures = transcript.turn_failures
    if turn < len(failures):
        return "error" if failures[turn] == Failure.error else None
    return "not_reached" if failures and failures[-1] == Failure.error else None
