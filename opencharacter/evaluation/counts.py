"""The numbers that an answer gives for a fact, by rule: an age, how many kin, an age of the past.

A number counts where the speaker is the subject ("I am 42", "as a 42-year-old, I"), or where it is
all that is said. Once the right one is said no other counts; one that may be of something else
leaves the rule unsure.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from opencharacter.checks.numbers import NUMBER, number_of
from opencharacter.evaluation.assertions import (
    bearing_on,
    clause,
    is_denied,
    is_elsewhen,
    is_of_others,
    sentences,
)


class Claims(NamedTuple):
    """Values that an answer gives for a fact."""

    affirmed: list[str]
    denied: list[str]
    unsure: tuple[str, ...] = ()
    """Other values that might be true as well."""


class _Found(NamedTuple):
    """A number in a sentence."""

    number: str
    before: str
    """The words of the sentence before the number."""
    start: str
    """Those before the whole claim."""
    is_sure: bool


_LITTLE = 3  # words of earlier sentences after which a bare number still answers the question
_LIST = re.compile(r"(?:^|(?<=[.!?:;]))[ \t]*(?:1[0-2]|[1-9])[.)][ \t]+(?=\S)", re.MULTILINE)
_LIST_BEGINS = re.compile(r"(?:^|(?<=[.!?:;]))[ \t]*1[.)][ \t]+(?=\S)", re.MULTILINE)
_INTERJECTION = (
    r"(?:(?:yes|no|nope|oh|well|ah|ha|hm+|okay|it's|it is|that's|that is|that would be|i'd say"
    r"|just|only|exactly)\b\W*)*"
)


def _asserted(text: str) -> list[str]:
    """Return the sentences that assert something, without the numbers of a list."""
    plain = _LIST.sub("\n", text) if _LIST_BEGINS.search(text) else text
    return list(sentences(plain))


def _bare(said: list[str], of: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """Yield numbers that are all of a sentence, each with whether it must be the answer."""
    earlier = 0
    for sentence in said:
        if found := of.match(sentence):
            yield str(number_of(found["number"])), earlier <= _LITTLE
        earlier += len(sentence.split())


def _claims(value: str, found: list[_Found], bare: list[tuple[str, bool]]) -> Claims:
    sure = [one for one in found if one.is_sure or one.number == value]
    affirmed = [one.number for one in sure if not is_denied(one.before)]
    denied = [one.number for one in sure if is_denied(one.before)]
    affirmed += [number for number, is_sure in bare if is_sure or number == value]
    if value in affirmed:
        return Claims([value], [number for number in denied if number != value])
    unsure = [one.number for one in found if not one.is_sure and not is_denied(one.before)]
    unsure += [number for number, is_sure in bare if not is_sure]
    return Claims(affirmed, denied, tuple(number for number in unsure if number != value))


# Ages ---------------------------------------------------------------------------------------------

_STOP = r"(?=\s*(?:[;:!()\]\"]|[.,](?!\d)|\u2014|\u2013|--|-\s|\Z))"
_END = (
    rf"(?:{_STOP}|(?=\s+(?:now|today|and|but|at (?:present|the moment|last)|since|so|my|though|as"
    r"|old enough)\b))"
)
_OLD = r"(?:[ -]years?[ -](?:old|of age|young)| years of life)\b(?!'s)"
_AGED = rf"(?:{_OLD}|{_END}|\s+years?{_STOP})"
_ADVERBS = (
    r"(?:(?:now|only|just|already|currently|still|actually|really|exactly|indeed|not|proudly|about"
    r"|nearly|almost|in fact|of course|a|an)\s+)*"
)
_LIKE_A = r"(?:a|an|your|this|one)\s+(?:(?!of\b|with\b|and\b|to\b|for\b|in\b)[\w'-]+\s+){0,2}?"
_SURE_AGE = re.compile(
    rf"\bI(?:'m| am) not {NUMBER}(?: years old)?,? but (?P<but>{NUMBER}){_AGED}"
    rf"|\b(?:I am|I'm)\s+{_ADVERBS}(?P<am>{NUMBER}){_AGED}"
    rf"|\b(?:I am|I'm)\s+{_LIKE_A}(?P<a>{NUMBER})[- ]years?[- ]old\b(?!(?: \w+)?'s)"
    rf"|\bmy age(?: is|:)\s+{_ADVERBS}(?P<age>{NUMBER}){_AGED}"
    rf"|\A\W*age:\s*(?P<form>{NUMBER}){_AGED}"
    rf"|(?:\bI(?:'ve| have)?|\A\W*) (?:just|recently|finally) turned (?P<just>{NUMBER})"
    rf"(?:{_AGED}|(?= in\b| last\b| this\b))"
    rf"|\bI(?:'ve| have)? turned (?P<turned>{NUMBER})(?= (?:last|this) (?:week|month|year|spring"
    r"|summer|autumn|fall|winter)\b)"
    rf"|\A\W*after (?P<after>{NUMBER}) years of life\b(?! (?:in|at|on|with|as|abroad|together))"
    rf"|\b(?:after |I have lived |I've lived )(?P<lived>{NUMBER}) years(?=\W*\Z)",
    re.IGNORECASE,
)
_WEAK_AGE = re.compile(
    rf"\b(?:I am|I'm|as)\s+(?:a|an)\s+(?:[\w'-]+\s+){{1,3}}?(?:of|aged)\s+(?P<of>{NUMBER}){_AGED}"
    rf"|\bas {_LIKE_A}(?P<as>{NUMBER})[- ]years?[- ]old\b(?!(?: \w+)?'s)"
    rf"|(?:\A|, |\band )\W*(?:aged )?(?P<alone>{NUMBER}){_OLD}(?=\W*\Z| and (?:proud|counting)\b)",
    re.IGNORECASE,
)
_OF_KIN = re.compile(
    r"\b(?:mother|father|mum|mom|dad|parent|grand\w+|aunt|uncle|owner|teacher) of\s*\Z", re.I
)
_BARE_AGE = re.compile(
    rf"\A\W*{_INTERJECTION}(?P<number>{NUMBER})(?:\s+years?(?: old| of age| young)?)?\W*\Z",
    re.IGNORECASE,
)
_NOT_SO = re.compile(  # what follows is not the age of today, or somebody else says it
    r"\b(?:had|back (?:then|when|in)|ago|deep down|inside|at heart|in (?:my|his|her) "
    r"(?:heart|mind|head|dreams?)|in spirit|sometimes|some days|says?|tells?|told|claims?|insists?"
    r"|swears?|suggests?|in \d{4}|as though|suppos\w+|assum\w+|kidding|can be|turn|be)\b",
    re.IGNORECASE,
)
_NOT_SO_AFTER = re.compile(
    r"\W*(?:years? (?:old|young) )?(?:at heart|in (?:spirit|my|dog|cat|\w+ (?:years|weeks|months)"
    r"|a (?:week|month|few))|next|tomorrow|soon)\b",
    re.IGNORECASE,
)


def ages(value: str, text: str) -> Claims:
    """Return the ages that the speaker gives as its own of today.

    Args:
        value: The right one, in digits.
        text: What it says.
    """
    said = _asserted(text)
    found = [
        _Found(number, sentence[:start], sentence[: match.start()], is_sure)
        for sentence in said
        for pattern, is_sure in ((_SURE_AGE, True), (_WEAK_AGE, False))
        for match in pattern.finditer(sentence)
        for number, start in [_number_in(match)]
        if number != "1" and not _is_of_another_day(sentence, match, start)
    ]
    bare = [(number, is_sure) for number, is_sure in _bare(said, _BARE_AGE) if number != "1"]
    return _claims(value, found, bare)


def _number_in(match: re.Match[str]) -> tuple[str, int]:
    """Return the number of a match, and where it stands."""
    group = match.lastgroup or ""
    return str(number_of(match[group])), match.start(group)


def _is_of_another_day(sentence: str, match: re.Match[str], start: int) -> bool:
    before = bearing_on(sentence, match.start())
    between = sentence[match.start() : start]
    return bool(
        is_elsewhen(before)
        or _NOT_SO.search(before)
        or _OF_KIN.search(between)
        or re.search(r"\b(?:about|nearly|almost)\b", between)
        or _NOT_SO_AFTER.match(sentence[match.end(match.lastgroup or 0) :])
    )


# Kin ----------------------------------------------------------------------------------------------

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
_SOME = r"(?:(?!and\b|or\b|of\b)[a-z-]+ ){0,2}?"  # "grown-up", "lovely little"
_OWN_KIN = re.compile(
    rf"(?:\b(?:I|we)(?:'ve| have| do have|'ve got| have got|'m blessed with| am blessed with"
    r"| raised"
    r"| am (?:the |a )?(?:proud )?(?:mother|father|parent) (?:of|to)"
    r"|'m (?:the |a )?(?:proud )?(?:mother|father|parent) (?:of|to))"
    rf"|\b(?:I|we) \w+ have|\bmy)\s+(?:(?:not|just|only|exactly|now|all|these|also|actually)\s+)*"
    rf"(?:{NUMBER} {_SOME}[a-z]+,? (?:and|but) )?\Z"
    rf"|\A\W*{_INTERJECTION}(?:not )?(?:{NUMBER},? but )?\Z"
    r"|[:,\u2014\u2013-]\s*(?:just |only |but )?\Z|\bbut\s+\Z",
    re.IGNORECASE,
)
_NOT_KIN = re.compile(
    r"\s+(?:in|at|on|to|under) (?:my|our|the|this|that|a|each|every|your|teach|look|care)\b"
    r"|\s+(?:next door|across|live|lives|came|come|play|work|walk|went|were|was)\b"
    r"|'s\b",
    re.IGNORECASE,
)
_ONE_OF_SEVERAL = re.compile(
    r"\b(?:another|others?|one|second|both|young\w+|eld\w+|older|oldest|too)\b", re.IGNORECASE
)
_THE_KIN = re.compile("|".join(rf"\b(?:{who})\b" for who in _KIN.values()), re.IGNORECASE)
_PLANS = re.compile(
    r"\b(?:want(?:ed|s)?|hop(?:e|ed|ing)|plan(?:s|ned|ning)?|dream(?:s|ed|t)?|wish|pray(?:ed)?"
    r"|would|could|should|might|someday|had|used to)\b",
    re.IGNORECASE,
)


def kin_counts(value: str, relation: str, text: str) -> Claims:
    """Return how many kin the speaker is said to have.

    Args:
        value: The right number, in digits.
        relation: Which kin, such as `daughters`; empty = any of them.
        text: What it says.
    """
    who = _KIN.get(relation) or "|".join(_KIN.values())
    count = re.compile(
        rf"(?<![\w.,-])(?P<who>{NUMBER}) {_SOME}(?:{who}|chairs?|seats?|places?)\b(?!-)"
        rf"|\b(?:have|have got|I've got|there are|but|just|only) (?P<alone>{NUMBER})"
        r"(?: of them)?(?=\s*(?:[.,;:!\u2014\u2013]|\Z))",
        re.IGNORECASE,
    )
    said = _asserted(text)
    found: list[_Found] = []
    for n, sentence in enumerate(said):
        for match in count.finditer(sentence):
            number, start = _number_in(match)
            if is_elsewhen(sentence[: match.start()]) or _PLANS.search(sentence[:start]):
                continue
            rest = " ".join([sentence[match.end() :], *said[n + 1 :]])
            is_sure = _is_own(sentence, match, start, " ".join(said[:n]))
            is_sure = is_sure and not (number == "1" and _ONE_OF_SEVERAL.search(rest))
            found.append(_Found(number, sentence[:start], sentence[: match.start()], is_sure))
    claims = _claims(value, found, list(_bare(said, _BARE_COUNT)))
    said_none = not claims.affirmed and any(_is_none(who, sentence) for sentence in said)
    return claims._replace(affirmed=["0"]) if said_none else claims


_BARE_COUNT = re.compile(
    rf"\A\W*{_INTERJECTION}(?P<number>{NUMBER})(?: of them)?\W*\Z", re.IGNORECASE
)


def _is_own(sentence: str, match: re.Match[str], start: int, earlier: str) -> bool:
    """Say whether a number is sure to be of the speaker's kin."""
    if match.lastgroup == "alone":
        return len(earlier.split()) <= _LITTLE or bool(_THE_KIN.search(earlier))
    is_theirs = _NOT_KIN.match(sentence[match.end() :])
    return bool(_OWN_KIN.search(sentence[:start])) and not is_theirs


def _is_none(who: str, sentence: str) -> bool:
    """Say whether a sentence is that the speaker has no such kin."""
    end = r"(?=\s*(?:[.,;:!\u2014\u2013-]|\Z)| (?:of my own|at all|and|but|yet|only)\b)"
    none = re.compile(
        rf"\A\W*(?:(?:no|well|oh)\W+)?(?:none|zero)\W*\Z|\bI have none{end}"
        rf"|(?:\b(?:I|we)(?: have|'ve)(?: got)?|\A\W*)\s*(?:no|zero) {_SOME}(?:{who})\b{end}"
        rf"|\b(?:I|we)\b[^,]{{0,20}}\b(?P<any>any) {_SOME}(?:{who})\b{end}",
        re.IGNORECASE,
    )
    found = none.search(sentence)
    before = sentence[: found.start("any")] if found and found["any"] else ""
    is_said = found and (not found["any"] or is_denied(before))
    return bool(is_said) and not is_elsewhen(sentence[: found.start() if found else 0])


# Ages of the past ---------------------------------------------------------------------------------

_AT = re.compile(
    rf"\b(?:at|aged|age of|was|turned|when I was)\s+(?:only |just |not |about )*(?P<then>{NUMBER})"
    rf"(?:{_OLD}|\s+years?{_STOP}|{_END}|(?=\s+(?:in|this|last|to)\b))",
    re.IGNORECASE,
)
_DIRECT = re.compile(
    rf"\A\W*{_INTERJECTION}(?:(?:and|but|when|I|was|at|aged|the|age|of|about|not|{NUMBER}|I'm)\W+)*"
    r"\Z|\b(?:left|leave|leaving|quit|school)\b",
    re.IGNORECASE,
)


def past_ages(value: str, text: str) -> Claims:
    """Return the ages at which the speaker says that it left school, the one past that is asked.

    Args:
        value: The right one, in digits.
        text: What it says.
    """
    said = _asserted(text)
    found = [
        _Found(number, sentence[:start], sentence[: match.start()], is_sure)
        for sentence in said
        for match in _AT.finditer(sentence)
        if not is_of_others(bearing_on(sentence, match.start()))
        for number, start in [_number_in(match)]
        for is_sure in [bool(_DIRECT.search(clause(sentence[: match.start()])))]
    ]
    return _claims(value, found, list(_bare(said, _BARE_AGE)))
