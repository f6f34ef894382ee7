"""The countries of well-known places: enough to be sure that two places lie far apart."""

import unicodedata
from functools import cache
from pathlib import Path

from opencharacter.checks.words import words_of

PLACES = Path(__file__).with_name("places.txt")
"""Names of places, the ones of a country a line."""


@cache
def _countries() -> dict[str, frozenset[int]]:
    """Return the lines of `places.txt`, by number, in which a name stands."""
    text = PLACES.read_text(encoding="utf-8")
    lines: dict[str, frozenset[int]] = {}
    for number, line in enumerate(text.splitlines()):
        for name in () if line.startswith("#") else line.split(","):
            lines[name] = lines.get(name, frozenset()) | {number}
    return lines


def countries_of(place: str) -> frozenset[int]:
    """Return which countries a place may lie in, as numbers; none if the place is not known.

    The last name that is known counts: of "London, Ontario" that is Ontario.
    """
    parts = unicodedata.normalize("NFKD", place.replace(".", ""))
    letters = "".join(letter for letter in parts if not unicodedata.combining(letter))
    text = f" {' '.join(words_of(letters))} "
    ends = [
        (text.rfind(f" {name} ") + len(name), len(name), lines)
        for name, lines in _countries().items()
        if f" {name} " in text
    ]
    return max(ends, key=lambda end: end[:2])[2] if ends else frozenset()
