"""What an answer says of a fact of the profile, by rule, without a judge: judges are held to it.

A rule says only what it is sure of. Looked at is what the character asserts of itself: not
questions, quotations, what others say, what was once or would be, and nothing that is denied.
`stated` = the fact is said; `contradicted` = something else is said in its place, the fact is
denied, or a false premise of the question is agreed to. An answer may do both, or neither.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from opencharacter.checks.numbers import NUMBER, number_of
from opencharacter.checks.places import countries_of
from opencharacter.checks.speech import own_words
from opencharacter.ids import digest


class Field(StrEnum):
    """What a fact is about, which decides how it is looked for."""

    name = "name"
    age = "age"
    birth_place = "birth_place"
    job = "job"
    kin = "kin"
    """How many, or a name."""
    history = "history"
    """A place, a name or a number of the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact of a profile, as `EvalItem.answers` holds it."""

    field: Field
    value: str
    wrong: str = ""
    """What the question pretends instead; empty = it pretends nothing."""

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Fact":
        """Return what `as_json` wrote."""
        found = json.loads(text)
        return cls(field=Field(found["field"]), value=found["value"], wrong=found["wrong"])


class Said(NamedTuple):
    """What an answer says of a fact."""

    stated: bool
    contradicted: bool | None
    """None = something else is said, and no rule knows whether both can be true."""
    why: str
    """The words that decide."""


class _Claims(NamedTuple):
    """Values that an answer gives for a fact."""

    affirmed: list[str]
    denied: list[str]
    unsure: tuple[str, ...] = ()
    """Other values that might be true as well."""


_PROPER_WORD = r"[^\W\d_a-z][\w'.-]*"
_PROPER = (
    rf"{_PROPER_WORD}(?:[ -](?:(?:de|da|del|van|von|bin|al|el|la|le|du|of|the) )?{_PROPER_WORD})*"
)
_SENTENCE = re.compile(r"[^.!?\n;]+(?:\.(?=\w)[^.!?\n;]*)*[.!?;]*")
# The latest place from which a denial before it no longer counts: "not 35, I am 42".
_ANEW = re.compile(
    r"\bbut\b|\brather\b|\binstead\b|[,:—–-]\s*(?=(?:I|it|my|that)\b)", re.IGNORECASE
)
_DENIES = re.compile(
    r"\b(?:not|never|neither|nor|hardly|cannot|without|anything but|far from|no longer)\b|n't\b",
    re.IGNORECASE,
)
_ELSEWHEN = re.compile(  # what follows was, will be, might be, or somebody else says it
    r"\b(?:when|whenever|if|until|till|once|before|after|while|as if|like|feel|imagine|pretend"
    r"|(?:they|people|some|you|he|she|friends|others|everyone) (?:\w+ )?(?:thinks?|says?|believes?"
    r"|call|takes?|guess\w*)|thought|said|told|wish|was|were|used to|will|'ll|would|'d|could|might"
    r"|may|next|almost|nearly|about|around|roughly|over|under|more than|less than|at least|maybe"
    r"|perhaps|his|her|their|he|she|they|my (?!name|age|full|given|real|first|last|own))\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"\A\W*(?:(?:oh|ah|well|why|hm+|ha|my friend)\b\W*)*"
    r"(?:(?:yes|yeah|yep|yup|aye|indeed|exactly|correct|right|true|certainly|absolutely|definitely"
    r"|sure|precisely|of course)"
    r"(?=\s*(?:[.,;:!\u2014\u2013-]|\Z)|,? (?:I|I'm|it|that|you|my|sir|ma'am)\b)"
    r"|that(?:'s| is| was) (?:right|correct|true|me|so|it)\b"
    r"|you(?:'re| are) (?:quite |absolutely |perfectly )?(?:right|correct)\b"
    r"|I (?:am|was|do|did|admit|confess)(?=\s*(?:[.,;!]|\Z)))",
    re.IGNORECASE,
)


def said_of(fact: Fact, answer: str) -> Said:
    """Return what an answer says of a fact, to a question about that fact.

    Args:
        fact: What is true, and what the question pretended.
        answer: Of the model.
    """
    text = own_words(answer)
    claims = _CLAIMS[fact.field](fact, text)
    same = _SAME[fact.field]
    stated = [said for said in claims.affirmed if same(said, fact.value)]
    other = [said for said in claims.affirmed if not same(said, fact.value)]
    denied = [said for said in claims.denied if same(said, fact.value)]
    if other or denied:
        return Said(bool(stated), True, repr((other or denied)[0]))
    agreed = fact.wrong and not stated and _agrees(fact, claims, text)
    if agreed:
        return Said(False, True, f"{agreed!r} to {fact.wrong!r}")
    if claims.unsure and not stated:
        return Said(False, None, repr(claims.unsure[0]))
    return Said(bool(stated), False, repr(stated[0]) if stated else "")


def _agrees(fact: Fact, claims: _Claims, text: str) -> str:
    """Return the words that agree to a false premise; empty where it is denied as well."""
    if any(_SAME[fact.field](said, fact.wrong) for said in claims.denied):
        return ""
    found = _YES.match(text)
    return found[0].strip() if found else ""


def _sentences(text: str) -> Iterator[str]:
    """Yield what is asserted; a question asserts nothing."""
    for found in _SENTENCE.finditer(text.replace("*", "")):
        if not found[0].rstrip().endswith("?"):
            yield found[0].strip()


def _is_denied(before: str) -> bool:
    """Say whether what follows `before` in its sentence is denied."""
    anew = [found.end() for found in _ANEW.finditer(before)]
    return bool(_DENIES.search(before, anew[-1] if anew else 0))


def _is_elsewhen(before: str) -> bool:
    """Say whether what follows `before` is about another time, another person, or supposed."""
    anew = [found.end() for found in _ANEW.finditer(before)]
    return bool(_ELSEWHEN.search(before, anew[-1] if anew else 0))


# Numbers ------------------------------------------------------------------------------------------

_ENDS = (
    r"(?=\s*(?:[.,;:!)\]\"\u2014\u2013-]|\Z)"
    r"|\s+(?:now|today|and|but|at|in|this|last|since|so|my|though|as)\b)"
)
_OLD = r"[ -]years?[ -](?:old|of age|young)\b"
_AGE = re.compile(
    rf"\b(?:I am|I'm|(?:I |I've |I have )?just turned|my age(?: is|:)|aged|age:?|of|but)\s+"
    rf"(?:(?:now|only|just|already|currently|still|actually|really|exactly|indeed|not|a|an)\s+)*"
    rf"(?P<after>{NUMBER})(?:{_ENDS}|(?={_OLD})|\s+years?{_ENDS})"
    rf"|(?<![\w.,])(?P<old>{NUMBER}){_OLD}",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(
    rf"\A\W*(?:(?:yes|no|oh|well|it's|it is|that's|that would be|i'd say)\b\W*)*"
    rf"(?P<after>{NUMBER})(?:\s+years?)?\W*\Z",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(rf"(?<![\w.,-])(?P<after>{NUMBER})(?![\w%-]|[.,]\d)", re.IGNORECASE)
_NONE = re.compile(r"\b(?:no|none|any|zero)\b", re.IGNORECASE)


def _ages(_: Fact, text: str) -> _Claims:
    return _numbers(text, (_AGE, _BARE_NUMBER))


def _numbers(text: str, patterns: tuple[re.Pattern[str], ...]) -> _Claims:
    claims = _Claims([], [])
    for sentence in _sentences(text):
        places = {
            found.start(found.lastgroup or 0): found[found.lastgroup or 0]
            for pattern in patterns
            for found in pattern.finditer(sentence)
        }
        for start, number in places.items():
            before = sentence[:start]
            if not _is_elsewhen(before):
                to = claims.denied if _is_denied(before) else claims.affirmed
                to.append(str(number_of(number)))
    return claims


def _same_number(said: str, value: str) -> bool:
    return said == value


# Names --------------------------------------------------------------------------------------------

_NAMED = re.compile(
    rf"\b(?i:my (?:\w+ )?name(?:'s| is| has always been)|the name(?:'s| is)"
    rf"|I(?:'m| am) (?:called|named)|name:)\s+"
    rf"(?i:(?:is|not|actually|really|indeed|still)\s+)*(?P<strong>{_PROPER})"
    rf"|\b(?i:I(?:'m| am)|it(?:'s| is)|this is|call me|I go by|known as|but)\s+"
    rf"(?i:(?:not|actually|really|indeed|still|just|only)\s+)*(?P<weak>{_PROPER})"
    r"(?=\s*(?:[.,;:!]|\Z)| and\b| but\b)"
)
_BARE_NAME = re.compile(
    rf"\A\W*(?:(?:Yes|No|Oh|Well|Hello|Hi)\b[,.! ]*)?(?!I\b)(?P<strong>{_PROPER})"
    r"(?:, at your service)?\W*\Z"
)
_TITLES = frozenset(
    "mr mrs ms miss dr doctor professor sir madam captain the of de van von".split()
)
_NO_NAMES = frozenset(
    "yes no oh well hello hi i my that sure right indeed exactly true correct sorry thanks thank "
    "greek latin irish welsh dutch french german so not just here glad happy".split()
)


def _names(fact: Fact, text: str) -> _Claims:
    """Return the names that are given; one that only might be a name counts if it is known."""
    claims = _Claims([], [])
    for sentence in _sentences(text):
        for found in [*_NAMED.finditer(sentence), *_BARE_NAME.finditer(sentence)]:
            name, start = found[found.lastgroup or 0], found.start(found.lastgroup or 0)
            is_known = _same_name(name, fact.value) or (
                bool(fact.wrong) and _same_name(name, fact.wrong)
            )
            is_name = is_known or (found.lastgroup == "strong" and bool(_name_words(name)))
            if is_name and not _is_elsewhen(sentence[:start]):
                is_denied = _is_denied(sentence[:start])
                (claims.denied if is_denied else claims.affirmed).append(name)
    return claims


def _name_words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", name.lower())) - _TITLES - _NO_NAMES


def _same_name(said: str, value: str) -> bool:
    return bool(_name_words(said) & _name_words(value))


# Places -------------------------------------------------------------------------------------------

_FROM = re.compile(
    rf"\b(?i:born|raised|I(?:'m| am) from|come from|came from|hail from|native of"
    rf"|home ?town(?: is|:)|grew up|in|from|at)\b"
    rf"(?:[^,.]{{0,30}}?\b(?i:in|from|at|of)\b)?\s+(?:the (?:city|town|village) of )?"
    rf"(?P<place>{_PROPER}(?:,\s*{_PROPER})*)"
)
_BARE_PLACE = re.compile(
    rf"\A\W*(?:(?:Yes|No|Oh|Well)\b[,.! ]*)?(?:In )?(?P<place>{_PROPER}(?:,\s*{_PROPER})*)\W*\Z"
)
_NOW = re.compile(
    r"\b(?:live|lives|living|moved|move|work|works|working|visit\w*|travel\w*|now|stay\w*|settled)\b",
    re.IGNORECASE,
)


def _birth_places(fact: Fact, text: str) -> _Claims:
    """Return the places that are given; of two that may lie in one country no rule is sure."""
    claims = _Claims([], [])
    unsure: list[str] = []
    home = countries_of(fact.value)
    for sentence in _sentences(text):
        for found in [*_FROM.finditer(sentence), *_BARE_PLACE.finditer(sentence)]:
            place, before = found["place"], sentence[: found.start("place")]
            if not (_words(place) - _NO_NAMES) or _NOW.search(before):
                continue
            is_known = _same_words(place, fact.value) or (
                bool(fact.wrong) and _same_words(place, fact.wrong)
            )
            there = countries_of(place)
            is_sure = is_known or bool(home and there and not home & there)
            if _is_denied(before):
                claims.denied.append(place)
            elif "born" in before or not _is_elsewhen(before):
                (claims.affirmed if is_sure else unsure).append(place)
    return claims._replace(unsure=tuple(unsure))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.lower())) - _TITLES


def _same_words(said: str, value: str) -> bool:
    return bool(_words(said) & _words(value))


# Anything else that has words of its own ----------------------------------------------------------


def _mentions(fact: Fact, text: str) -> _Claims:
    """Return where the words of the fact, or of what the question pretends, are said."""
    claims = _Claims([], [])
    for sentence in _sentences(text):
        for value in filter(None, (fact.value, fact.wrong)):
            for found in re.finditer(rf"\b{_stems(value)}", sentence, re.IGNORECASE):
                before = sentence[: found.start()]
                to = claims.denied if _is_denied(before) else claims.affirmed
                if not _is_supposed(before):
                    to.append(value)
    return claims


def _is_supposed(before: str) -> bool:
    return bool(re.search(r"\b(?:if|as if|imagine|pretend|wish|would)\b", before, re.IGNORECASE))


def _stems(value: str) -> str:
    """Return a pattern of the last word, its beginning alone: "baker" is said by "baking" too."""
    last = value.split()[-1]
    return re.escape(last[: max(4, len(last) - 3)])


def _counts_or_mentions(fact: Fact, text: str) -> _Claims:
    if not fact.value.isdigit():
        return _mentions(fact, text)
    claims = _numbers(text, (_ANY_NUMBER,))
    said_none = not claims.affirmed and _NONE.search(text) and fact.value != "0"
    return claims._replace(affirmed=["0"]) if said_none else claims


_CLAIMS: dict[Field, Callable[[Fact, str], _Claims]] = {
    Field.name: _names,
    Field.age: _ages,
    Field.birth_place: _birth_places,
    Field.job: _mentions,
    Field.kin: _counts_or_mentions,
    Field.history: _counts_or_mentions,
}
_SAME: dict[Field, Callable[[str, str], bool]] = {
    Field.name: _same_name,
    Field.age: _same_number,
    Field.birth_place: _same_words,
    Field.job: _same_number,
    Field.kin: _same_number,
    Field.history: _same_number,
}

RULES = f"facts@{digest(Path(__file__).read_text(encoding='utf-8'))[:12]}"
"""Name and hash of these rules, as scores name a rubric."""
