"""What an answer says of a fact of the profile, by rule, without a judge: judges are held to it.

A rule says only what it is sure of. Looked at is what the character asserts of itself: not
questions, quotations, what others say, what was once or would be, and nothing that is denied.
`stated` = the fact is said; `contradicted` = something else is said in its place, the fact is
denied, or a false premise of the question is agreed to. An answer may do both, or neither.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from opencharacter.checks import numbers, places, speech, words
from opencharacter.checks.numbers import NUMBER, number_of
from opencharacter.checks.places import countries_of
from opencharacter.checks.speech import own_words
from opencharacter.evaluation import assertions
from opencharacter.evaluation.assertions import (
    agreement,
    clause,
    is_denied,
    is_elsewhen,
    is_of_others,
    sentences,
)
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
    relation: str = ""
    """Of kin who are counted, such as `daughters`; empty = any of them."""

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Fact":
        """Return what `as_json` wrote."""
        found = json.loads(text)
        return cls(**{**found, "field": Field(found["field"])})


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
    return agreement(text)


# Numbers ------------------------------------------------------------------------------------------

_ENDS = (
    r"(?=\s*(?:[.,;:!)\]\"\u2014\u2013-]|\Z)"
    r"|\s+(?:now|today|and|but|at|in|this|last|since|so|my|though|as)\b)"
)
_OLD = r"(?:[ -]years?[ -](?:old|of age|young)| years of life)\b"
_AGE = re.compile(
    rf"\b(?:I am|I'm|(?:I |I've |I have )?just turned|my age(?: is|:)|aged|age:?|of|but)\s+"
    rf"(?:(?:now|only|just|already|currently|still|actually|really|exactly|indeed|not|a|an)\s+)*"
    rf"(?P<after>{NUMBER})(?:{_ENDS}|(?={_OLD})|\s+years?{_ENDS})"
    rf"|\b(?:after |I have lived |I've lived )(?P<lived>{NUMBER}) years(?: of life\b|(?=\W*\Z))"
    rf"|\bI(?:'ve| have)? turned (?P<turned>{NUMBER})(?= (?:last|this) (?:week|month|year|spring"
    r"|summer|autumn|fall|winter)\b)"
    rf"|(?<![\w.,])(?P<old>{NUMBER}){_OLD}",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(
    rf"\A\W*(?:(?:yes|no|oh|well|it's|it is|that's|that would be|i'd say)\b\W*)*"
    rf"(?P<after>{NUMBER})(?:\s+years?)?\W*\Z",
    re.IGNORECASE,
)
_AT = re.compile(
    rf"\b(?:at|aged|age of|was|turned|when I was)\s+(?:only |just |not |about )*(?P<after>{NUMBER})"
    rf"(?:(?={_OLD})|\s+years?{_ENDS}|{_ENDS})",
    re.IGNORECASE,
)


def _ages(_: Fact, text: str) -> _Claims:
    return _numbers(text, (_AGE, _BARE_NUMBER))


def _numbers(text: str, patterns: tuple[re.Pattern[str], ...], *, of_today: bool = True) -> _Claims:
    claims = _Claims([], [])
    for sentence in sentences(text):
        places = {
            found.start(found.lastgroup or 0): found
            for pattern in patterns
            for found in pattern.finditer(sentence)
        }
        for start, found in places.items():
            if not (of_today and is_elsewhen(sentence[: found.start()])):
                to = claims.denied if is_denied(sentence[:start]) else claims.affirmed
                to.append(str(number_of(found[found.lastgroup or 0])))
    return claims


def _same_number(said: str, value: str) -> bool:
    return said == value


# Names --------------------------------------------------------------------------------------------

_NAMED = re.compile(
    rf"\b(?i:my (?:\w+ )?name(?:'s| is| has always been)|the name(?:'s| is)|(?<![\w'] )name's"
    rf"|I(?:'m| am) (?:called|named)|name:)\s+"
    rf"(?i:(?:is|not|actually|really|indeed|still)\s+)*(?P<strong>{_PROPER})"
    r"(?=[ \t]*(?:[\n.,;:!)\u2014\u2013]|\Z)| (?:and|but|from)\b)"
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
    "ah hm hmm hey eh say "
    "greek latin irish welsh dutch french german so not just here glad happy".split()
)


def _names(fact: Fact, text: str) -> _Claims:
    """Return the names that are given; one that only might be a name counts if it is known."""
    claims = _Claims([], [])
    for sentence in sentences(text):
        for found in [*_NAMED.finditer(sentence), *_BARE_NAME.finditer(sentence)]:
            name, start = found[found.lastgroup or 0], found.start(found.lastgroup or 0)
            is_known = _same_name(name, fact.value) or (
                bool(fact.wrong) and _same_name(name, fact.wrong)
            )
            is_name = is_known or (found.lastgroup == "strong" and bool(_name_words(name)))
            if is_name and not is_elsewhen(sentence[:start]):
                to = claims.denied if is_denied(sentence[:start]) else claims.affirmed
                to.append(name)
    return claims


def _name_words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", name.lower())) - _TITLES - _NO_NAMES


def _same_name(said: str, value: str) -> bool:
    return bool(_name_words(said) & _name_words(value))


# Places -------------------------------------------------------------------------------------------

_FROM = re.compile(
    rf"\b(?i:born|raised|I(?:'m| am) from|come from|came from|hail from|native of"
    rf"|home ?town(?: is|:)|birth ?place(?: is|:)|grew up"
    rf"|(?:it|that|this)(?:'s| is| was| would be| must be|) (?:in|from)"
    rf"|(?:it|that)(?:'s| was| would be| must be))\b"
    rf"(?:[^,.]{{0,30}}?\b(?i:in|from|at|of)\b)?\s+(?:the (?:city|town|village) of )?"
    rf"(?P<place>{_PROPER}(?:,\s*{_PROPER})*)"
)
_GROWN = re.compile("raised|grew up", re.IGNORECASE)  # where one was born, or anywhere else
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
    for sentence in sentences(text):
        for found in [*_FROM.finditer(sentence), *_BARE_PLACE.finditer(sentence)]:
            place, before = found["place"], sentence[: found.start("place")]
            if not (_words(place) - _NO_NAMES) or _lives_there(before):
                continue
            is_known = _same_words(place, fact.value) or (
                bool(fact.wrong) and _same_words(place, fact.wrong)
            )
            there = countries_of(place)
            is_elsewhere = bool(home and there and not home & there)
            is_sure = is_known or (is_elsewhere and not _GROWN.match(found[0]))
            if is_denied(before):
                claims.denied.append(place)
            elif not is_of_others(sentence[: found.start()]):
                (claims.affirmed if is_sure else unsure).append(place)
    return claims._replace(unsure=tuple(unsure))


def _lives_there(before: str) -> bool:
    now = [found.end() for found in _NOW.finditer(clause(before))]
    return bool(now) and "born" not in clause(before)[now[-1] :]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.lower())) - _TITLES


def _same_words(said: str, value: str) -> bool:
    return bool(_words(said) & _words(value))


# Anything else that has words of its own ----------------------------------------------------------


def _mentions(fact: Fact, text: str) -> _Claims:
    """Return where the words of the fact, or of what the question pretends, are said.

    A place of the past only counts in a sentence about the past, or one that is little more.
    """
    values = [value for value in (fact.value, fact.wrong) if value]
    claims = _Claims([], [])
    for sentence in sentences(text):
        if fact.field is Field.history and not _is_past(sentence):
            continue
        places = [
            (one, found.start())
            for one in values
            for found in re.finditer(rf"\b{_stems(one)}", sentence, re.IGNORECASE)
        ]
        for one, start in places:
            if not is_of_others(sentence[:start]):
                (claims.denied if is_denied(sentence[:start]) else claims.affirmed).append(one)
    return claims


_PAST = re.compile(
    r"\b(?:school|stud(?:y|ied|ent)|gr[eo]w|graduat\w+|learn(?:ed|t)|educat\w+|universit\w+|college"
    r"|moved|raised|pupil|class(?:es|room)?|child(?:hood)?)\b",
    re.IGNORECASE,
)
_LITTLE = 6  # words


def _is_past(sentence: str) -> bool:
    return bool(_PAST.search(sentence)) or len(sentence.split()) <= _LITTLE


def _stems(value: str) -> str:
    """Return a pattern of the last word, its beginning alone: "baker" is said by "baking" too."""
    last = value.split()[-1]
    return re.escape(last[: max(4, len(last) - 3)])


_KIN = {
    "daughters": "daughters?|girls?",
    "sons": "sons?|boys?",
    "children": "child(?:ren)?|kids?|little ones",
    "sisters": "sisters?",
    "brothers": "brothers?",
    "siblings": "siblings?|brothers and sisters",
    "grandchildren": "grandchild(?:ren)?|grandkids?",
    "nieces": "nieces?",
    "nephews": "nephews?",
}
_LIKE = r"(?:(?!and\b|or\b|of\b)[a-z-]+ ){0,2}?"  # "grown-up", "lovely little"


def _kin(fact: Fact, text: str) -> _Claims:
    """Return how many kin there are said to be; once the right number is said, no other counts."""
    if not fact.value.isdigit():
        return _mentions(fact, text)
    who = _KIN.get(fact.relation) or "|".join(_KIN.values())
    count = re.compile(
        rf"(?<![\w.,-])(?P<who>{NUMBER}) {_LIKE}(?:{who}|chairs?|seats?|places?)\b"
        rf"|\b(?:have|have got|I've got|there are|but|just|only) (?P<alone>{NUMBER})"
        r"(?: of (?:them|us))?(?=\s*(?:[.,;:!\u2014\u2013]|\Z))",
        re.IGNORECASE,
    )
    claims = _numbers(text, (count, _BARE_NUMBER))
    if fact.value in claims.affirmed:
        return claims._replace(affirmed=[fact.value])
    said_none = not claims.affirmed and any(_is_none(who, said) for said in sentences(text))
    return claims._replace(affirmed=["0"]) if said_none else claims


def _is_none(who: str, sentence: str) -> bool:
    """Say whether a sentence is that there are no such kin."""
    none = re.compile(
        rf"\A\W*(?:none|zero)\W*\Z|\bhave none\b|\b(?:no|zero|(?P<any>any)) {_LIKE}(?:{who})\b",
        re.IGNORECASE,
    )
    found = none.search(sentence)
    before = sentence[: found.start()] if found else ""
    is_said = found and (not found["any"] or is_denied(before))
    return bool(is_said) and not is_elsewhen(before)


def _history(fact: Fact, text: str) -> _Claims:
    if not fact.value.isdigit():
        return _mentions(fact, text)
    return _numbers(text, (_AT, _BARE_NUMBER), of_today=False)


_CLAIMS: dict[Field, Callable[[Fact, str], _Claims]] = {
    Field.name: _names,
    Field.age: _ages,
    Field.birth_place: _birth_places,
    Field.job: _mentions,
    Field.kin: _kin,
    Field.history: _history,
}
_SAME: dict[Field, Callable[[str, str], bool]] = {
    Field.name: _same_name,
    Field.age: _same_number,
    Field.birth_place: _same_words,
    Field.job: _same_number,
    Field.kin: _same_number,
    Field.history: _same_number,
}


_PARTS = assertions.__file__, numbers.__file__, places.__file__, speech.__file__, words.__file__
FILES = (*map(Path, (__file__, *_PARTS)), places.PLACES)
"""What these rules are made of."""
RULES = f"facts@{digest([file.read_text(encoding='utf-8') for file in FILES])[:12]}"
"""Name and hash of these rules, as scores name a rubric."""
