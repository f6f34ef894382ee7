"""The fact check of a whole dialogue: the teacher lists what contradicts the profile."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opencharacter.checks.problem import Problem
from opencharacter.checks.quotations import Contradiction, Verdict, hold_against
from opencharacter.config import AnswersConfig, FactCheck, SamplingConfig
from opencharacter.llm.requests import Session
from opencharacter.prompts.fact_check import (
    FACT_CHECK_VERSION,
    fact_check_prompt,
    fact_check_schema,
)
from opencharacter.records import Character, Message, Rejection, Response, Role
from opencharacter.sources.lines import storable
from opencharacter.synth.asking import Asker
from opencharacter.synth.replies import find_object

CONTRADICTS = "contradicts_profile_by_llm"
"""A mark, or the reason of a rejection."""
FAILED = "fact_check_failed"
"""A mark: no verdict could be used, so nobody has checked this dialogue."""
DISMISSED = "fact_check_dismissed"
"""A mark: the verdict quotes what nobody said, which tells of the model and not of the answer."""
_LONGEST = 1000  # characters of a remark


def fact_checked(
    session: Session[Response],
    character: Character,
    asker: Asker[Any],
    settings: AnswersConfig,
) -> Session[Response]:
    """Pass a session through; then have the dialogue checked, if settings say so.

    The verdict may mark or reject a dialogue. One that cannot be used after all attempts only
    leaves a mark: the dialogue is as good as it was without a check.

    Args:
        session: Makes the dialogue.
        character: Who speaks.
        asker: Of that session: seeds and usage go on where it ends.
        settings: Of the stage.
    """
    made = yield from session
    if isinstance(made, Rejection) or settings.fact_check is FactCheck.none:
        return made
    questions, answers = (
        [message.content for message in made.messages if message.role is role]
        for role in (Role.user, Role.assistant)
    )
    prompt = Message(role=Role.user, content=fact_check_prompt(character, questions, answers))
    verifier = _verifier(asker, settings)
    listed = yield from verifier.ask((prompt,), read_verdict, schema=fact_check_schema())
    if isinstance(listed, Rejection):
        return _marked(made, verifier, [Problem(FAILED, f"{listed.reason}: {listed.detail}")])
    verdict = hold_against(listed, answers, f"{character.persona}\n{character.profile}")
    problems = _problems(verdict)
    if verdict.upheld and settings.fact_check is FactCheck.reject:
        return verifier.reject(problems[0], answers[verdict.upheld[0].turn])
    return _marked(made, verifier, problems)


def fact_check_version(settings: AnswersConfig) -> dict[str, str]:
    """Return the version of the check's prompt as a stage's identity names it; empty without."""
    return {} if settings.fact_check is FactCheck.none else {"fact_check": FACT_CHECK_VERSION}


def read_verdict(text: str) -> list[Contradiction] | Problem:
    """Return the contradictions that a reply in JSON lists, or what is wrong with it."""
    found = find_object(text)
    if isinstance(found, Problem):
        return found
    listed = found.get("contradictions")
    if not isinstance(listed, list):
        return Problem("invalid_json", f"contradictions is {type(listed).__name__}, not a list")
    try:
        pairs = [Contradiction(one["said"], one["fact"]) for one in listed]
    except (KeyError, TypeError) as error:
        return Problem("invalid_json", f"not of the form that was asked for: {error!r}")
    if not all(isinstance(quotation, str) for pair in pairs for quotation in pair):
        return Problem("invalid_json", "a quotation is no text")
    return pairs


def _verifier(asker: Asker[Any], settings: AnswersConfig) -> Asker[list[Contradiction]]:
    """Return who asks for a verdict: greedily, and then, if need be, as the stage asks.

    A greedy answer that cannot be used would only come again.
    """
    longest, circles = settings.fact_check_tokens, settings.sampling.max_repeats
    greedy = SamplingConfig(
        temperature=0, top_p=1, min_p=0, max_tokens=longest, max_repeats=circles
    )
    return replace(asker, sampling=greedy, again=replace(settings.sampling, max_tokens=longest))


def _problems(verdict: Verdict) -> list[Problem]:
    found = {
        CONTRADICTS: [one.found for one in verdict.upheld],
        DISMISSED: verdict.dismissed,
    }
    return [Problem(name, "; ".join(map(str, ones))) for name, ones in found.items() if ones]


def _marked(made: Response, verifier: Asker[Any], problems: Sequence[Problem]) -> Response:
    """Return the record with marks, what stands behind them, and all that it cost."""
    return replace(
        made,
        marks=(*made.marks, *(problem.reason for problem in problems)),
        remarks=tuple(storable(f"{name}: {detail[:_LONGEST]}") for name, detail in problems),
        usage=verifier.usage,
    )
