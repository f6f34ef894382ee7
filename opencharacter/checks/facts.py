"""Answers that contradict the profile, as far as a rule is sure: name, age, birth place."""

import re
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from opencharacter.checks.numbers import NUMBER, number_of
from opencharacter.checks.places import countries_of
from opencharacter.checks.speech import asks_for_text, own_words
from opencharacter.prompts.profile import LABELS
from opencharacter.records import Character

_AGE = re.compile(
    rf"(?<![\w'])(?:i am|i'm) "
    rf"(?:now |only |just |already |currently )?(?P<age>{NUMBER})[ -]years?"
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
    # "My name is Greek for peace" goes on otherwise
    r"(?=[ \t]*(?:[\n.,;:!?)*\u2014\u2013]|$)| (?:and|but|from)\b)"
)
# "I'm Irish" and "I am called Red" name nobody, but who introduces himself does.
_MET = re.compile(
    r"(?:(?:\A|(?<=[\n.!?*] ))\W{0,3}"
    r"(?:Hi|Hello|Hey|Greetings|Good (?:day|morning|evening|afternoon))"
    rf"(?: there)?[,.!]? I(?:'m| am) (?P<first>{_PROPER}(?: {_PROPER})*)(?=[.,;!?\n]|$| and\b)"
    rf"|\bI(?:'m| am) (?P<met>{_PROPER}(?: {_PROPER})*)[,.!;]? "
    r"(?i:(?:and i'm |and i am |i'm |i am |it's )?"
    r"(?:so |very )?(?:nice|pleased|glad|delighted|happy|a pleasure|lovely|good|great)"
    r" to meet (?:you|ya)\b)"
    rf"|\bI(?:'m| am) called (?P<called>{_PROPER} {_PROPER})(?=[.,;!?\n]|$| and\b))",
)
_BORN = re.compile(
    rf"\bI was born(?: and (?:raised|bred|brought up))? in (?:the (?:[a-z ]{{0,40}}of )?)?"
    rf"(?P<place>{_PROPER}(?:,? {_PROPER})*)"
)
# After these, "I am 20 years old" is about another time, or not meant, and so is "my name is Bond".
_OTHERWISE = re.compile(
    r"\b(?:when|whenever|if|until|till|once|after|before|while|by the time|as if|like|feel|imagine"
    r"|pretend|thinks?|thought|say|says|said|tells?|told|wish|stage|online)\b[^.!?\n]*\Z",
    re.IGNORECASE,
)
_BEFORE = 200  # characters
# "Hi, I'm Irish.", "Hello! I am Roman Catholic."
_OF_PEOPLES = ("ish", "ese", "an", "ic", "i", "ch", "elsh", "eek", "ist", "er", "im", "du")
_MEETING = ("to meet y", "called ", "Hi", "Hello", "Hey", "Greetings", "Good ")
_NO_NAMES = frozenset(
    "january february march april may june july august september october november december "
    "spring summer autumn winter mr mrs ms dr professor a i u s of the de la new "
    # "My name is Greek."
    "greek latin hebrew german french dutch welsh irish spanish english arabic italian russian "
    "polish chinese japanese so not just here glad happy sorry".split()
)
# Short names of which neither two letters at the beginning nor three inside are the long name's.
_SHORT_NAMES = {
    "bob": "robert", "bobby": "robert", "bill": "william", "billy": "william", "peggy": "margaret",
    "dick": "richard", "ted": "edward", "ned": "edward", "jack": "john", "harry": "henry",
    "hank": "henry", "chuck": "charles", "liz": "elizabeth", "lizzie": "elizabeth",
    "polly": "mary", "molly": "mary", "kate": "catherine", "kathy": "catherine", "jim": "james",
    "sasha": "alexander", "nell": "eleanor", "sally": "sarah", "vova": "vladimir",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")


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
    """Return the facts of a profile that a system prompt shows as `Label: value`.

    Each on a line of its own, or inside a line, after the end of what stood before it.
    """
    name, age, place = (
        (found[1] or found[2]).strip() if (found := pattern.search(system_prompt)) else ""
        for pattern in _SHOWN
    )
    return Facts(name, int(age) if age.isdigit() else None, place, system_prompt)


_SHOWN = tuple(
    re.compile(
        rf"^[ *#-]*(?i:{re.escape(LABELS[field])})[ *]*:[ *]*(.+)$"
        rf"|[.;,|)] +\**(?i:{re.escape(LABELS[field])})\**: *\** *({value})",
        re.MULTILINE,
    )
    for field, value in (
        ("name", rf"{_CAPITAL}[^\n.;,|*:]*"),
        ("age", r"\d{1,3}\b"),
        ("birth_place", r"[^\n.;|*]+"),
    )
)


def contradicts_profile(answer: str, facts: Facts, question: str = "") -> str | None:
    """Return the statement of an answer that the profile denies, or None.

    Looked at is what a character says of itself in so many words: "My name is ...", "I am ... years
    old", "I was born in ...". Names and places that stand anywhere in persona, profile or question
    are no contradiction, nor are short names, and places of the same country. Quoted speech, and
    texts that the question asks for, are somebody else's.
    """
    plain = answer.replace("\u2019", "'")
    if "I" not in plain and "name" not in plain:
        return None
    # What costs is to leave out the quotations: only where there is something to be found.
    if _contradiction(plain, facts, question) is None or asks_for_text(question):
        return None
    return _contradiction(own_words(plain), facts, question)


def _contradiction(answer: str, facts: Facts, question: str) -> str | None:
    checks: tuple[Callable[[str, Facts, str], str | None], ...] = (_name, _age, _place)
    return next((found for check in checks if (found := check(answer, facts, question))), None)


# Each looks first for the words that its pattern begins with: most answers have none of them.
def _name(answer: str, facts: Facts, question: str) -> str | None:
    if not facts.name:
        return None
    said_so = [_NAME.finditer(answer)] if "name" in answer else []
    if any(words in answer for words in _MEETING):
        said_so.append(_MET.finditer(answer))
    known = _words(facts.name) | _words(facts.text) | _words(question) if said_so else frozenset()
    for found in chain.from_iterable(said_so):
        named = found[found.lastgroup or 0]
        if found.lastgroup == "first" and named.rstrip(".").endswith(_OF_PEOPLES):
            continue
        said = _words(named) - _NO_NAMES
        is_other = said and not said & known and not _may_be_short(said, facts.name)
        if is_other and _is_meant(answer, found.start()):
            return f"{found[0]!r}, but the name is {facts.name!r}"
    return None


def _is_meant(answer: str, at: int) -> bool:
    return not _OTHERWISE.search(answer, max(0, at - _BEFORE), at)


def _may_be_short(said: frozenset[str], name: str) -> bool:
    """Return whether one of the words may be short for a part of the name, or the other way."""
    names = _words(name)
    if not any(part.isascii() for part in names):
        return True  # the same name in other letters
    return any(
        a[:2] == b[:2]
        or any(a[i : i + 3] in b for i in range(len(a) - 2))
        or _SHORT_NAMES.get(a) == _SHORT_NAMES.get(b, b)
        or _SHORT_NAMES.get(b) == a
        for a in said
        for b in names
    )


def _age(answer: str, facts: Facts, question: str) -> str | None:
    if facts.age is None or "year" not in answer.lower():
        return None
    asked = {number_of(number) for number in re.findall(rf"\b{NUMBER}\b", question.lower())}
    for found in _AGE.finditer(answer):
        age = number_of(found["age"])
        if age != facts.age and age not in asked and _is_meant(answer, found.start()):
            return f"{found[0]!r}, but the age is {facts.age}"
    return None


def _place(answer: str, facts: Facts, question: str) -> str | None:
    if not facts.birth_place or "I was born" not in answer:
        return None
    home = countries_of(facts.birth_place)
    for found in _BORN.finditer(answer):
        said = _words(found["place"]) - _NO_NAMES
        is_known = said & (_words(facts.birth_place) | _words(facts.text) | _words(question))
        there = countries_of(found["place"])
        if home and there and not home & there and not is_known:
            return f"{found[0]!r}, but the birth place is {facts.birth_place!r}"
    return None


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
