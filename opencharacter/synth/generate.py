"""OpenCharacter-G: the character answers, turn by turn, each turn seeing its own earlier replies."""

from opencharacter.llm.requests import Session
from opencharacter.prompts.character import system_message
from opencharacter.records import Character, Instruction, Message, Method, Rejection, Response, Role
from opencharacter.synth.asking import Asker
from opencharacter.synth.filters import answer_problem
from opencharacter.synth.responses import response


def answer_in_turns(
    character: Character, instruction: Instruction, asker: Asker[str], *, draw: int
) -> Session[Response]:
    """Let `character` answer every user turn of `instruction` (OpenCharacter, arXiv 2501.15427).

    One turn that stays unusable after all attempts rejects the dialogue: a dialogue with a hole
    is no training data.
    """
    messages = [system_message(character)]
    for turn in instruction.messages:
        question = turn.content
        messages.append(turn)
        answer = yield from asker.ask(
            tuple(messages),
            lambda text, question=question: (
                answer_problem(text.strip(), question=question, character=character) or text.strip()
            ),
        )
        if isinstance(answer, Rejection):
            return answer
        messages.append(Message(role=Role.assistant, content=answer))
    return response(
        character, instruction, asker, method=Method.generate, draw=draw, messages=messages[1:]
    )
