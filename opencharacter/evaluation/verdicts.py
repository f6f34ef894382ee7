"""What a judge's completion says: a number of points, or why there is none.

A verdict that cannot be used is never a number: not 0, not the middle of the scale.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from opencharacter.llm.requests import Completion, Finish
from opencharacter.records import Usage

OFF_FORMAT = "off_format"
"""The judge would rather have said something else than a label."""
UNREADABLE = "unreadable"
"""A verdict in JSON that is none."""
PROMPT_TOO_LONG = "prompt_too_long"
REFUSED = "judge_refused"
ERROR = "judge_error"

_OBJECT = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Points, or a reason for none."""

    value: float | None = None
    unscored: str | None = None
    probabilities: tuple[float, ...] = ()
    mass: float | None = None
    usage: Usage = field(default_factory=Usage)
    """Of all attempts."""
    text: str = ""
    """What the judge said, where that explains something."""


def read_probabilities(
    completion: Completion, points: tuple[float, ...], *, min_mass: float
) -> Verdict:
    """Return the expected points over the labels' probabilities.

    The mean of a judge's distribution agrees better with people than its mode (Wang, Zhang and
    Choi, arXiv 2503.03064).

    Args:
        completion: Of a request with labels.
        points: Of each label.
        min_mass: Least probability of all labels together.
    """
    if problem := _no_answer(completion):
        return problem
    told = completion.probabilities
    if told is None or len(told) != len(points):
        return Verdict(unscored=ERROR, text="no probabilities came back")
    mass = sum(told)
    if mass <= 0 or mass < min_mass:
        text = completion.text.strip()
        return Verdict(unscored=OFF_FORMAT, probabilities=told, mass=mass, text=text)
    value = sum(p * point for p, point in zip(told, points, strict=True)) / mass
    return Verdict(value=value, probabilities=told, mass=mass)


def read_json(
    completion: Completion, labels: tuple[str, ...], points: tuple[float, ...]
) -> Verdict:
    """Return the points that a reply in JSON gives.

    The last object counts: a judge may quote the form, or the answer one of its own, before it.
    """
    if problem := _no_answer(completion):
        return problem
    found = [_object(text) for text in _OBJECT.findall(completion.text)]
    said = found[-1].get("points") if found else None
    label = str(said) if isinstance(said, int | str) and not isinstance(said, bool) else ""
    if label not in labels:
        return Verdict(unscored=UNREADABLE, text=completion.text)
    return Verdict(value=points[labels.index(label)])


def points_schema(labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of a verdict."""
    return {
        "type": "object",
        "properties": {"points": {"enum": [int(label) for label in labels]}},
        "required": ["points"],
        "additionalProperties": False,
    }


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _no_answer(completion: Completion) -> Verdict | None:
    """Return why there is nothing to read, if so."""
    reasons = {
        Finish.too_long: PROMPT_TOO_LONG,
        Finish.filtered: REFUSED,
        Finish.error: ERROR,
        Finish.length: UNREADABLE,
        Finish.repetition: UNREADABLE,
    }
    reason = reasons.get(completion.finish)
    return Verdict(unscored=reason, text=completion.text) if reason else None
