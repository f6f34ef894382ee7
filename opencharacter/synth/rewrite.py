"""OpenCharacter-R: a dialogue with reference answers, rewritten in the character's voice."""

from collections.abc import Sequence
from itertools import chain

from opencharacter.checks.problem import Problem
from opencharacter.llm.requests import Session
from opencharacter.prompts.rewrite import rewrite_prompt, rewrite_schema
from opencharacter.records import Character, Instruction, Message, Method, Rejection, Response, Role
from opencharacter.synth.asking import Asker
from opencharacter.synth.checking import Checker
from opencharacter.synth.knowledge import kept_share
from opencharacter.synth.replies import find_object, plain_lines
from opencharacter.synth.responses import response


def rewrite_dialogue(
    character: Character,
    instruction: Instruction,
    asker: Asker[list[str]],
    *,
    draw: int,
    min_kept: float,
    reject: frozenset[str],
) -> Session[Response]:
    """Have all answers of `instruction` rewritten in one call (OpenCharacter, arXiv 2501.15427).

    Args:
        character: Who shall speak.
        instruction: With a reference answer for every user turn.
        asker: Asks for this pair.
        draw: Place of the character among those drawn for the instruction.
        min_kept: Least share of the reference's facts in the rewrite.
        reject: Names of the checks that reject an answer.
    """
    questions = [message.content for message in instruction.messages]
    checker = Checker(character=character, reject=reject)
    prompt = rewrite_prompt(character, questions, instruction.references)

    def read(text: str) -> list[str] | Problem:
        answers = read_rewrite(text, questions)
        if isinstance(answers, Problem):
            return answers
        problem = _answers_problem(answers, instruction, checker)
        return problem or _lost_knowledge(answers, instruction.references, min_kept) or answers

    answers = yield from asker.ask(
        (Message(role=Role.user, content=prompt),), read, schema=rewrite_schema(questions)
    )
    if isinstance(answers, Rejection):
        return answers
    spoken = [Message(role=Role.assistant, content=answer) for answer in answers]
    turns = list(chain.from_iterable(zip(instruction.messages, spoken, strict=True)))
    return response(checker, instruction, asker, method=Method.rewrite, draw=draw, messages=turns)


def read_rewrite(text: str, questions: Sequence[str]) -> list[str] | Problem:
    """Return the rewritten answers of a reply in JSON, or what is wrong with it.

    The user's turns must come back as they were, and as many of them.
    """
    found = find_object(text)
    if isinstance(found, Problem):
        return found
    try:
        turns = [(turn["user"], turn["assistant"]) for turn in found["dialogue"]]
    except (KeyError, TypeError) as error:
        return Problem("invalid_json", f"not of the form that was asked for: {error!r}")
    if len(turns) != len(questions):
        return Problem("turn_count", f"{len(turns)} turns came back, {len(questions)} were sent")
    for number, ((user, answer), question) in enumerate(zip(turns, questions, strict=True)):
        if user != question:
            return Problem("user_turn_changed", f"turn {number} came back as {str(user)[:200]!r}")
        if not isinstance(answer, str):
            return Problem("invalid_json", f"answer {number} is {type(answer).__name__}, not text")
    return [plain_lines(answer).strip() for _, answer in turns]


def _answers_problem(
    answers: Sequence[str], instruction: Instruction, checker: Checker
) -> Problem | None:
    turns = zip(answers, instruction.messages, instruction.references, strict=True)
    found = (
        checker.problem(answer, question=question.content, reference=reference)
        for answer, question, reference in turns
    )
    return next((problem for problem in found if problem), None)


def _lost_knowledge(
    answers: Sequence[str], references: Sequence[str], min_kept: float
) -> Problem | None:
    kept = kept_share("\n".join(references), "\n".join(answers))
    if kept is None or kept >= min_kept:
        return None
    return Problem("lost_knowledge", f"{kept:.0%} of the facts were kept, {min_kept:.0%} needed")
