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
from opencharacter.checks.places import countries_of
from opencharacter.checks.speech import own_words
from opencharacter.evaluation import assertions, counts, trades
from opencharacter.evaluation.assertions import (
    agreement,
    bearing_on,
    clause,
    is_denied,
    is_elsewhen,
    is_of_others,
    sentences,
)
from opencharacter.evaluation.counts import Claims, ages, kin_counts, past_ages
from opencharacter.evaluation.trades import jobs, places_of
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
        is_sure = not assertions.takes_back(text)
        return Said(False, is_sure or None, f"{agreed!r} to {fact.wrong!r}")
    if claims.unsure and not stated:
        return Said(False, None, repr(claims.unsure[0]))
    return Said(bool(stated), False, repr(stated[0]) if stated else "")


def _agrees(fact: Fact, claims: Claims, text: str) -> str:
    """Return the words that agree to a false premise; empty where it is denied as well."""
    if any(_SAME[fact.field](said, fact.wrong) for said in claims.denied):
        return ""
    return agreement(text)


# Names --------------------------------------------------------------------------------------------

_NAMED = re.compile(
    rf"\b(?i:my (?:(?:full|real|given|first|last|family|own|true|actual|birth|legal) )?name"
    rf"(?:'s| is| has always been)|the name(?:'s| is)|(?<![\w'] )name's|name:)\s+"
    rf"(?i:(?:is|not|actually|really|indeed|still)\s+)*(?P<strong>{_PROPER})"
    r"(?=[ \t]*(?:[\n.,;:!)\u2014\u2013]|\Z)| (?:and|but|from)\b)"
    rf"|\b(?i:I(?:'m| am)(?: called| named)?|it(?:'s| is)|this is|call me|I go by|known as|but)\s+"
    rf"(?i:(?:not|actually|really|indeed|still|just|only)\s+)*(?P<weak>{_PROPER})"
    r"(?=\s*(?:[.,;:!]|\Z)| and\b| but\b)"
)
_BARE_NAME = re.compile(
    rf"\A\W*(?:(?:Yes|No|Oh|Well|Hello|Hi)\b[,.! ]*)?(?!I\b)(?P<bare>{_PROPER})"
    r"(?:, at your service)?\W*\Z"
)
_TITLES = frozenset(
    "mr mrs ms miss dr doctor professor sir madam captain the of de van von".split()
)
_NO_NAMES = frozenset(
    "yes no oh well hello hi i my that sure right indeed exactly true correct sorry thanks thank "
    "ah hm hmm hey eh say welcome greetings so not just here glad happy "
    "greek latin irish welsh dutch french german english scottish spanish italian portuguese "
    "polish russian ukrainian czech hungarian romanian bulgarian serbian croatian turkish persian "
    "iranian arabic egyptian hebrew jewish indian chinese japanese korean vietnamese thai african "
    "american mexican brazilian cuban norwegian swedish danish finnish icelandic slavic celtic "
    "norse".split()
)


_ON_STAGE = re.compile(
    r"\b(?:once|on stage|online|can|(?:in|for) (?:the|this|that|a|my) (?:play|story|game|novel|book"
    r"|film|show|part|role))\b",
    re.IGNORECASE,
)


def _names(fact: Fact, text: str) -> Claims:
    """Return the names that are given; a proper word that need be no name leaves it unsure."""
    claims = Claims([], [])
    unsure: list[str] = []
    for sentence in sentences(text):
        for found in [*_NAMED.finditer(sentence), *_BARE_NAME.finditer(sentence)]:
            kind = found.lastgroup or ""
            name, before = found[kind], sentence[: found.start(kind)]
            is_known = _same_name(name, fact.value) or (
                bool(fact.wrong) and _same_name(name, fact.wrong)
            )
            if is_elsewhen(before) or _ON_STAGE.search(before):
                continue
            is_whole = len(_name_words(name)) > 1 and len(sentence) >= len(text.strip())
            if is_known or (_name_words(name) and (kind == "strong" or is_whole)):
                (claims.denied if is_denied(before) else claims.affirmed).append(name)
            elif kind == "bare" and _name_words(name):
                unsure.append(name)
    return claims._replace(unsure=tuple(unsure))


def _name_words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", name.lower())) - _TITLES - _NO_NAMES


def _same_name(said: str, value: str) -> bool:
    return bool(_name_words(said) & _name_words(value))


# Places -------------------------------------------------------------------------------------------

_NO_PLACE = (
    r"(?!(?i:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Christmas|Easter|Ramadan|I)\b)"
)
_PLACE_NAME = rf"(?P<place>{_NO_PLACE}{_PROPER}(?:,\s*{_PROPER})*)"
_FROM = re.compile(
    rf"\b(?P<how>(?i:born|raised|I(?:'m| am) from|come from|came from|hail from|native of"
    rf"|home ?town(?: is|:)|birth ?place(?: is|:)|grew up"
    rf"|(?:it|that|this)(?:'s| is| was| would be| must be|) (?:in|from)"
    rf"|(?:it|that)(?:'s| was| would be| must be)|but in|but from))\b"
    rf"(?:(?:(?!\b(?:after|before|when|while|until|because|since|who|to)\b)[^,.]){{0,30}}?"
    rf"\b(?i:in|at|of)\b)?\s+(?:the (?:city|town|village) of )?{_PLACE_NAME}"
)
_ONCE_THERE = re.compile("raised|grew up|came", re.IGNORECASE)  # where one was born, or elsewhere
_OF_SPEAKER = re.compile(
    r"(?:\A\W*|,\s*(?:and )?|\band )(?:(?:yes|no|oh|well|so|was|proudly|originally)\b\W*)*\Z"
    r"|\bI(?:'m|'ve)?(?: [\w']+){0,4} \Z",
    re.IGNORECASE,
)
_NOT_FROM = re.compile(r"\bI\b[^,]*(?:\bnot\b|n't\b)[^,]* (?:in|from) [^,]+,? \Z", re.IGNORECASE)
_BARE_PLACE = re.compile(rf"\A\W*(?:(?:Yes|No|Oh|Well)\b[,.! ]*)?(?:In )?{_PLACE_NAME}\W*\Z")
_NOW = re.compile(
    r"\b(?:live|lives|living|moved|move|work|works|working|visit\w*|travel\w*|now|stay\w*|settled)\b",
    re.IGNORECASE,
)


def _birth_places(fact: Fact, text: str) -> Claims:
    """Return the places that are given; of two that may lie in one country no rule is sure."""
    claims = Claims([], [])
    unsure: list[str] = []
    home = countries_of(fact.value)
    for sentence in sentences(text):
        for found in [*_FROM.finditer(sentence), *_BARE_PLACE.finditer(sentence)]:
            place, before = found["place"], sentence[: found.start("place")]
            if (
                not (_words(place) - _NO_NAMES)
                or _lives_there(before)
                or not _is_of_speaker(sentence, found)
            ):
                continue
            wrong = bool(fact.wrong) and _same_words(place, fact.wrong)
            there = countries_of(place)
            is_other = wrong or bool(home and there and not home & there)
            is_sure = is_other and not _ONCE_THERE.match(found.groupdict().get("how") or "")
            if is_denied(before):
                claims.denied.append(place)
            elif not is_of_others(bearing_on(sentence, found.start())):
                is_right = _same_words(place, fact.value)
                (claims.affirmed if is_sure or is_right else unsure).append(place)
    return claims._replace(unsure=tuple(unsure))


def _is_of_speaker(sentence: str, found: re.Match[str]) -> bool:
    """Say whether it is the speaker who comes from a place, and not a dish or a custom."""
    how = (found.groupdict().get("how") or "").lower()
    if how.startswith(("it", "that", "this")):  # "it was in Osaka that I learned to cook"
        is_end = re.match(r"\W*(?:\Z|[.,;:!])", sentence[found.end() :])
        return bool(is_end) and not how.startswith("this")
    if how.startswith(("born", "raised", "come", "came", "hail", "grew")):
        return bool(_OF_SPEAKER.search(sentence[: found.start()]))
    if how.startswith("but"):  # "not in Osaka but in Seville"
        return bool(_NOT_FROM.search(sentence[: found.start()]))
    return True


def _lives_there(before: str) -> bool:
    now = [found.end() for found in _NOW.finditer(clause(before))]
    return bool(now) and "born" not in clause(before)[now[-1] :]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.lower())) - _TITLES


def _same_words(said: str, value: str) -> bool:
    return bool(_words(said) & _words(value))


# Anything else that has words of its own ----------------------------------------------------------


def _mentions(fact: Fact, text: str) -> Claims:
    """Return where the words of the fact, or of what the question pretends, are said.

    A place of the past only counts in a sentence about the past, or one that is little more. Who
    says where it was may well name where it went from there: no other place counts then.
    """
    claims = Claims([], [])
    for sentence in sentences(text):
        if fact.field is Field.history and not _is_past(sentence):
            continue
        for one, start in places_of((fact.value, fact.wrong), sentence):
            before = bearing_on(sentence, start)
            is_now = fact.field is Field.history and _THESE_DAYS.search(before)
            if not (is_of_others(before) or _PLANS.search(before) or is_now):
                (claims.denied if is_denied(sentence[:start]) else claims.affirmed).append(one)
    if fact.field is Field.history and fact.value in claims.affirmed:
        return claims._replace(affirmed=[fact.value])
    return claims


_THESE_DAYS = re.compile(r"\b(?:now|teach|live|work|visit\w*|travel\w*)\b", re.IGNORECASE)
_PLANS = re.compile(
    r"\b(?:want(?:ed|s)?|hop(?:e|ed|ing)|dream(?:s|ed|t)?|plan(?:s|ned)?) (?:to|of)\b", re.I
)
_PAST = re.compile(
    r"\b(?:school|stud(?:y|ied|ent)|gr[eo]w|graduat\w+|learn(?:ed|t)|educat\w+|universit\w+|college"
    r"|moved|raised|pupil|class(?:es|room)?|child(?:hood)?)\b",
    re.IGNORECASE,
)
_LITTLE = 6  # words


def _is_past(sentence: str) -> bool:
    return bool(_PAST.search(sentence)) or len(sentence.split()) <= _LITTLE


def _ages(fact: Fact, text: str) -> Claims:
    return ages(fact.value, text)


def _kin(fact: Fact, text: str) -> Claims:
    if not fact.value.isdigit():
        return _mentions(fact, text)
    return kin_counts(fact.value, fact.relation, text)


def _jobs(fact: Fact, text: str) -> Claims:
    return jobs(fact.value, fact.wrong, text)


def _history(fact: Fact, text: str) -> Claims:
    if not fact.value.isdigit():
        return _mentions(fact, text)
    return past_ages(fact.value, text)


def _same_number(said: str, value: str) -> bool:
    return said == value


_CLAIMS: dict[Field, Callable[[Fact, str], Claims]] = {
    Field.name: _names,
    Field.age: _ages,
    Field.birth_place: _birth_places,
    Field.job: _jobs,
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


_PARTS = (
    assertions.__file__,
    counts.__file__,
    numbers.__file__,
    places.__file__,
    speech.__file__,
    trades.__file__,
    words.__file__,
)
FILES = (*map(Path, (__file__, *_PARTS)), places.PLACES)
"""What these rules are made of."""
RULES = f"facts@{digest([file.read_text(encoding='utf-8') for file in FILES])[:12]}"
"""Name and hash of these rules, as scores name a rubric."""
