"""OpenCharacter-R: a whole dialogue rewritten in a character's voice, in one call, as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from opencharacter.ids import digest
from opencharacter.records import Character

_TASK = (
    "Rewrite the dialogue below so that the assistant's turns are spoken by the character. Copy "
    "every user turn exactly. Rewrite every assistant turn in the character's voice, background "
    "and personality, and keep all of its knowledge: facts, numbers, names and code. "
    "Answer with the whole dialogue as JSON of the same form."
)


def rewrite_prompt(character: Character, questions: Sequence[str], answers: Sequence[str]) -> str:
    """Return the user message: task, persona, profile (the shared prefix), then the dialogue.

    Args:
        character: Who shall speak.
        questions: The user's turns.
        answers: The reference answers, as many as questions.
    """
    return (
        f"{_TASK}\n\n# Persona\n{character.persona}\n\n# Character Profile\n{character.profile}"
        f"\n\n# Dialogue\n{dialogue_json(questions, answers)}"
    )


def dialogue_json(questions: Sequence[str], answers: Sequence[str]) -> str:
    """Return the dialogue in the form that is shown and asked for."""
    turns = [
        {"user": question, "assistant": answer}
        for question, answer in zip(questions, answers, strict=True)
    ]
    return json.dumps({"dialogue": turns}, ensure_ascii=False)


def rewrite_schema(questions: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of a rewritten dialogue: these user turns, as many answers."""
    turns = [
        {
            "type": "object",
            "properties": {
                "user": {"type": "string", "const": question},
                # Unbounded on purpose: xgrammar compiles a string with a length into characters
                # that exclude escapes, so no answer could hold a line break or a quotation mark.
                "assistant": {"type": "string"},
            },
            "required": ["user", "assistant"],
            "additionalProperties": False,
        }
        for question in questions
    ]
    return {
        "type": "object",
        "properties": {
            "dialogue": {
                "type": "array",
                "prefixItems": turns,
                "items": False,
                "minItems": len(turns),
                "maxItems": len(turns),
            }
        },
        "required": ["dialogue"],
        "additionalProperties": False,
    }


REWRITE_VERSION = digest("rewrite prompt", _TASK, rewrite_schema(["question"]))[:12]
"""Hash of the fixed texts and the schema."""
