"""Out of a model's reply: the JSON object in it, and lines that end as ours do."""

import json
import re
from typing import Any

from opencharacter.checks.problem import Problem

# What stands before the object: nothing, else all up to a code fence with an object in it, else
# all up to the first brace. The end needs no pattern: it is where the object is whole.
_BEFORE = re.compile(r"\s*(?=\{)|.*?```\w*\s*(?=\{)|[^{]*(?=\{)", re.DOTALL)
_DECODER = json.JSONDecoder()


def find_object(text: str) -> dict[str, Any] | Problem:
    """Return the JSON object of a reply: bare or in a code fence, with or without words around.

    Models that are not steered by a schema like to introduce what they were asked for.
    """
    before = _BEFORE.match(text)
    if before is None:
        return Problem("invalid_json", f"no JSON object in {text[:40]!r}")
    try:
        found: dict[str, Any] = _DECODER.raw_decode(text, before.end())[0]
    except (ValueError, RecursionError) as error:
        return Problem("invalid_json", str(error))
    return found


def plain_lines(text: str) -> str:
    """Return `text` with lines that end in a line feed alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
