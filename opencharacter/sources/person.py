"""In which person a persona is written: "I am a ...", "You are a ...", "A ..."."""

import re

from opencharacter.config import Person

_LEAD = r"\W*(?:(?:as|being) [^,.]{1,60}, *|(?:imagine|pretend|suppose)(?: that)? )?"
# The Russian and Chinese pronouns as well; in other languages all count as third.
_FIRST = re.compile(rf"{_LEAD}(?:(?:i|my|я|мой|моя)(?=['’\s])|我)", re.IGNORECASE)
_SECOND = re.compile(rf"{_LEAD}(?:(?:you|your|ты|вы)(?=['’\s])|[你您])", re.IGNORECASE)


def person_of(text: str) -> Person:
    """Return the person of a text by its first words; third where they tell no other."""
    if _FIRST.match(text):
        return Person.first
    return Person.second if _SECOND.match(text) else Person.third
