"""From one persona line to a profile of eight fields: what is asked, and the answer's schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from opencharacter.ids import digest

FIELDS: dict[str, str] = {
    "name": "first and last name",
    "age": "in years, a number",
    "gender": "in one word",
    "race": "race or ethnicity",
    "birth_place": "city and country",
    "appearance": "what others see, in one or two sentences",
    "experience": "general experience: work, studies and life so far, in two to four sentences",
    "personality": "character, habits and way of speaking, in one to three sentences",
}
"""The eight fields of OpenCharacter (arXiv 2501.15427), each with what the model is told of it."""

LABELS: dict[str, str] = {
    "name": "Name",
    "age": "Age",
    "gender": "Gender",
    "race": "Race",
    "birth_place": "Birth Place",
    "appearance": "Appearance",
    "experience": "General Experience",
    "personality": "Personality",
}
"""How each field is headed in the rendered profile, and looked for in free text."""

_LENGTHS = {  # longest value in characters: an unbounded string lets a small model run on for ever
    "name": 80,
    "gender": 40,
    "race": 80,
    "birth_place": 120,
    "appearance": 800,
    "experience": 2000,
    "personality": 1200,
}

_INVENT = (
    "Invent a character for role-play from the persona below. Agree with everything the persona "
    "says, keep its occupation and interests, and make up what it leaves open.\n\n"
)
_TASK = f"{_INVENT}Answer with one JSON object of these fields:\n"
_TEXT_TASK = (
    f"{_INVENT}Answer in plain text: each of these headings at the beginning of a line, then a "
    "colon and what belongs there:\n"
)

_HINT = "Where the persona does not decide the name, take one such as: "


def profile_prompt(persona: str, *, name_hints: Sequence[str] = (), as_json: bool = True) -> str:
    """Return the user message that asks for a profile; the persona stands last.

    Args:
        persona: One line.
        name_hints: Names to choose from where the persona does not decide; models left alone
            fall back on a handful of names.
        as_json: Ask for a JSON object; otherwise for text with a heading per field.
    """
    asked = f"{_TASK}{_FIELD_LIST}" if as_json else f"{_TEXT_TASK}{_HEADING_LIST}"
    hint = f"\n\n{_HINT}{', '.join(name_hints)}." if name_hints else ""
    return f"{asked}{hint}\n\n# Persona\n{persona}"


def profile_schema() -> dict[str, Any]:
    """Return the JSON schema of a profile: exactly the eight fields, each bounded."""
    properties: dict[str, Any] = {
        field: {"type": "string", "minLength": 1, "maxLength": _LENGTHS[field]}
        for field in FIELDS
        if field != "age"
    }
    properties["age"] = {"type": "integer", "minimum": 1, "maximum": 999}
    return {
        "type": "object",
        "properties": {field: properties[field] for field in FIELDS},
        "required": list(FIELDS),
        "additionalProperties": False,
    }


def render_profile(fields: Mapping[str, str | int]) -> str:
    """Return the profile as text, one `Label: value` line for each of the eight fields."""
    return "\n".join(f"{LABELS[field]}: {fields[field]}" for field in FIELDS)


_FIELD_LIST = "\n".join(f"- {field}: {meaning}" for field, meaning in FIELDS.items())
_HEADING_LIST = "\n".join(f"- {LABELS[field]}: {meaning}" for field, meaning in FIELDS.items())

PROFILE_VERSION = digest(
    "profile prompt", _TASK, _TEXT_TASK, _HINT, FIELDS, LABELS, profile_schema()
)[:12]
"""Hash of the fixed texts and the schema."""
