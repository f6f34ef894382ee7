"""OpenCharacter-G: the character answers turn by turn, seeing its own earlier replies."""

from functools import partial
from itertools import chain, repeat

from opencharacter.checks.problem import Problem
from opencharacter.llm.requests import Session
from opencharacter.prompts.character import system_message
from opencharacter.records import Character, Instruction, Message, Method, Rejection, Response, Role
from opencharacter.synth.asking import Asker
from opencharacter.synth.checking import Checker
from opencharacter.synth.responses import response


def answer_in_turns(
    character: Character,
    instruction: Instruction,
    asker: Asker[str],
    *,
    draw: int,
    reject: frozenset[str],
) -> Session[Response]:
    """Let `character` answer every user turn of `instruction` (OpenCharacter, arXiv 2501.15427).

    One turn that stays unusable after all attempts rejects the dialogue: a dialogue with a hole
    is no training data.

    Args:
        character: Who answers.
        instruction: The user's turns.
        asker: Asks for this pair.
        draw: Place of the character among those drawn for the instruction.
        reject: Names of the checks that reject an answer.
    """
    checker = Checker(character=character, reject=reject, rewrites=False)
    messages = [system_message(character)]
    references = chain(instruction.references, repeat(""))
    for turn, reference in zip(instruction.messages, references, strict=False):
        messages.append(turn)
        read = partial(_read, turn.content, reference, checker)
        answer = yield from asker.ask(tuple(messages), read)
        if isinstance(answer, Rejection):
            return answer
        messages.append(Message(role=Role.assistant, content=answer))
    return response(
        checker, instruction, asker, method=Method.generate, draw=draw, messages=messages[1:]
    )


def _read(question: str, reference: str, checker: Checker, text: str) -> str | Problem:
    answer = text.strip()
    return checker.problem(answer, question=question, reference=reference) or answer
