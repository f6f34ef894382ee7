"""Answers that contradict the profile, as far as a rule can tell: name, age, birth place, job."""

import re
from collections.abc import Callable
from typing import NamedTuple

from opencharacter.prompts.profile import LABELS
from opencharacter.records import Character

_NUMBERS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split(),
        start=1,
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_NUMBER = rf"(?:\d{{1,3}}|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(list(_NUMBERS)[:9])}))?"
_NUMBER += rf"|{'|'.join(reversed(_NUMBERS))})"
_AGE = re.compile(
    rf"(?<![\w'])(?:i am|i'm|i have just turned|i just turned|i turned) "
    rf"(?:now |only |just |already |currently )?(?P<age>{_NUMBER})[ -]years?"
    r"(?:[ -](?:old|of age)\b)",
    re.IGNORECASE,
)
_CAPITAL = r"[^\W\d_a-z]"
_PROPER = (
    rf"{_CAPITAL}[\w'\u2019.-]*"
    rf"(?: (?:de|da|del|van|von|bin|al|el|la|le|du|of|the)(?= {_CAPITAL}))?"
)
_NAME = re.compile(
    rf"\b[Mm]y (?:full |given |real )?name(?: is|'s) (?P<name>{_PROPER}(?: {_PROPER})*)"
)
_BORN = re.compile(
    rf"\bI was born(?: and (?:raised|bred|brought up))? in (?:the [a-z ]{{0,40}}of )?"
    rf"(?P<place>{_PROPER}(?:,? {_PROPER})*)"
)
_JOB = re.compile(
    r"\bI(?: work| earn my living|'m employed| am employed) as an? (?P<job>[a-z][a-z -]{2,40})"
)
_MONTHS_AND_TITLES = frozenset(
    "january february march april may june july august september october november december "
    "spring summer autumn winter mr mrs ms dr professor".split()
)
_WORD = re.compile(r"[^\W_]+")
_ARTICLES = frozenset("a an the of in at for and or to with on by part full time who that".split())


class Facts(NamedTuple):
    """What a profile says, as far as rules look at it; what it does not say is empty."""

    name: str = ""
    age: int | None = None
    birth_place: str = ""
    text: str = ""
    """Persona and profile: what stands anywhere in it is no contradiction."""


NOTHING_KNOWN = Facts()


def facts_of(character: Character) -> Facts:
    """Return the facts of a character."""
    text = f"{character.persona}\n{character.profile}\n{character.experience}"
    return Facts(character.name, character.age, character.birth_place, text)


def facts_in(system_prompt: str) -> Facts:
    """Return the facts of a profile that a system prompt shows, a line `Label: value` each."""
    name, age, place = (
        found[1].strip() if (found := _LINES[field].search(system_prompt)) else ""
        for field in ("name", "age", "birth_place")
    )
    return Facts(name, int(age) if age.isdigit() else None, place, system_prompt)


_LINES = {
    field: re.compile(rf"^[ *#-]*{re.escape(label)}[ *]*:[ *]*(.+)$", re.IGNORECASE | re.MULTILINE)
    for field, label in LABELS.items()
}


def contradicts_profile(answer: str, facts: Facts) -> str | None:
    """Return the statement of an answer that the profile denies, or None.

    Looked at is what a character says of itself in so many words: "My name is ...", "I am ... years
    old", "I was born in ...", "I work as a ...". A name, place or job that stands anywhere in
    persona or profile is no contradiction: people have second names, homes and trades.
    """
    plain = answer.replace("\u2019", "'")
    if "I" not in plain and "name" not in plain:
        return None
    checks: tuple[Callable[[str, Facts], str | None], ...] = (_name, _age, _place, _job)
    return next((found for check in checks if (found := check(plain, facts))), None)


# Each looks first for the words that its pattern begins with: most answers have none of them.
def _name(answer: str, facts: Facts) -> str | None:
    if not facts.name or "name" not in answer:
        return None
    for found in _NAME.finditer(answer):
        said = _words(found["name"]) - _MONTHS_AND_TITLES
        if said and not said & (_words(facts.name) | _words(facts.text)):
            return f"{found[0]!r}, but the name is {facts.name!r}"
    return None


def _age(answer: str, facts: Facts) -> str | None:
    if facts.age is None or "year" not in answer.lower():
        return None
    for found in _AGE.finditer(answer):
        age = _number(found["age"])
        if age != facts.age:
            return f"{found[0]!r}, but the age is {facts.age}"
    return None


def _place(answer: str, facts: Facts) -> str | None:
    if not facts.birth_place or "I was born" not in answer:
        return None
    for found in _BORN.finditer(answer):
        said = _words(found["place"]) - _MONTHS_AND_TITLES
        if said and not said & (_words(facts.birth_place) | _words(facts.text)):
            return f"{found[0]!r}, but the birth place is {facts.birth_place!r}"
    return None


def _job(answer: str, facts: Facts) -> str | None:
    if not facts.text or " as a" not in answer:
        return None
    for found in _JOB.finditer(answer):
        said = _words(found["job"]) - _ARTICLES
        known = {word[:5] for word in _words(facts.text)}
        if said and not {word[:5] for word in said} & known:
            return f"{found[0]!r}, which neither persona nor profile says"
    return None


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    parts = text.lower().replace("-", " ").split()
    return sum(_TENS.get(part) or _NUMBERS[part] for part in parts)
