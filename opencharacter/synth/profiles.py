"""From a persona to a character: one call, read as JSON or as text with a heading per field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from opencharacter.checks.control import control_tokens
from opencharacter.checks.problem import Problem
from opencharacter.llm.requests import Session
from opencharacter.prompts.profile import (
    FIELDS,
    LABELS,
    profile_prompt,
    profile_schema,
    render_profile,
)
from opencharacter.records import Character, Message, Persona, Rejection, Role
from opencharacter.synth.asking import Asker
from opencharacter.synth.names import NOBODY, Excluded
from opencharacter.synth.replies import find_object

_HEADING = re.compile(
    r"^[\s>*#-]*(?:\d+[.)]\s*)?[*_]*(?P<label>"
    + "|".join(re.escape(label).replace(r"\ ", r"[ _]") for label in [*LABELS.values(), *FIELDS])
    + r")[*_]*\s*[:：][*_]*[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_WHITE = re.compile(r"\s+")
_NO_NAME = re.compile(r"[$€£#@%^*_=<>{}\[\]|\\~]")
_NOBODY = ("none", "null", "n/a", "unknown", "name")


def write_profile(
    persona: Persona,
    asker: Asker[dict[str, Any]],
    *,
    as_json: bool,
    name_hints: Sequence[str],
    excluded: Excluded = NOBODY,
) -> Session[Character]:
    """Ask for the eight fields of a persona's profile (OpenCharacter, arXiv 2501.15427).

    Args:
        persona: Whom to fill out.
        asker: Asks for this persona.
        as_json: Ask for JSON and steer the answer by the schema; otherwise for text.
        name_hints: Names to offer in the prompt.
        excluded: Names that the character may not have.
    """

    def read(text: str) -> dict[str, Any] | Problem:
        found = read_json_profile(text) if as_json else read_text_profile(text)
        name = None if isinstance(found, Problem) else excluded.found_in(found["name"])
        return Problem("excluded_name", f"{name} is excluded") if name else found

    prompt = profile_prompt(persona.text, name_hints=name_hints, as_json=as_json)
    fields = yield from asker.ask(
        (Message(role=Role.user, content=prompt),),
        read,
        schema=profile_schema() if as_json else None,
    )
    if isinstance(fields, Rejection):
        return fields
    return Character(
        persona_id=persona.id,
        persona=persona.text,
        split=persona.split,
        cluster=persona.cluster,
        licence=persona.licence,
        **fields,
        profile=render_profile(fields),
        call=asker.calls[0],
        usage=asker.usage,
    )


def read_json_profile(text: str) -> dict[str, Any] | Problem:
    """Return the eight fields of a JSON answer, or why there are none."""
    found = find_object(text)
    return found if isinstance(found, Problem) else _checked(found)


def read_text_profile(text: str) -> dict[str, Any] | Problem:
    """Return the eight fields of free text with a `Label: value` heading for each."""
    headings = list(_HEADING.finditer(text))
    by_label = {label.lower(): field for field, label in LABELS.items()}
    found: dict[str, Any] = {}
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=False):  # without headings there is one end
        label = heading["label"].lower()
        field = by_label.get(label.replace("_", " "), label)
        value = text[heading.end() : end]
        found.setdefault(field, value.strip().strip("*_").strip())
    return _checked(found)


def _checked(found: Mapping[str, Any]) -> dict[str, Any] | Problem:
    """Return exactly the eight fields, each cleaned, or what is wrong with them."""
    missing = [field for field in FIELDS if found.get(field) in (None, "")]
    if missing:
        return Problem("missing_field", f"no {', '.join(missing)}")
    age = _years(found["age"])
    if age is None:
        return Problem("bad_age", f"age is {found['age']!r}; a number of years was asked for")
    fields: dict[str, Any] = {"age": age}
    for field in FIELDS:
        if field == "age":
            continue
        if not isinstance(found[field], str):
            return Problem("wrong_type", f"{field} is {type(found[field]).__name__}, not text")
        fields[field] = _WHITE.sub(" ", found[field]).strip()
        if not fields[field]:
            return Problem("missing_field", f"{field} is blank")
        token = control_tokens(fields[field])
        if token:
            return Problem("control_tokens", f"{field}: {token}")
    if not _is_name(fields["name"]):
        return Problem("bad_name", f"{fields['name']!r} is no name")
    return {field: fields[field] for field in FIELDS}


def _is_name(text: str) -> bool:
    has_letter = any(char.isalpha() for char in text)
    return has_letter and not _NO_NAME.search(text) and text.casefold() not in _NOBODY


def _years(value: object) -> int | None:
    """Return an age in whole years, from a number or from text such as `34 years old`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        digits = re.search(r"\d+", value)
        value = int(digits[0]) if digits and len(digits[0]) < 5 else None
    is_age = isinstance(value, int) and 1 <= value <= 999
    return value if isinstance(value, int) and is_age else None
