"""The work that an answer says the speaker has, by rule; wrong work only where it is asked of."""

import re
from collections.abc import Sequence

from opencharacter.evaluation.assertions import bearing_on, is_denied, is_of_others, sentences
from opencharacter.evaluation.counts import Claims

_ROLE = re.compile(  # what stands before the work that the speaker says it has
    r"(?:\bI(?:'m| am| work| serve)\b"
    r"(?: (?!(?:at|by|for|from|near|next|no|of|to|with)\b)\w+){0,3}?(?: as)?\s*"
    r"|\bas|\b(?:job|work|trade|profession|occupation|living) is(?: that of)?"
    r"|\bbut)\s*(?:a|an|the|your|being)?\s*(?:(?!(?:at|by|for|from|near|no|of|to|with|my|our)\b)[\w'-]+\s+)"
    r"{0,3}\Z",
    re.IGNORECASE,
)
_NO_ROLE = re.compile(
    r"\b(?:used to|once|former(?:ly)?|retired|aspiring|ex|trained|going to|want(?:ed|s)?"
    r"|hop(?:e|ed|ing)|dream(?:s|ed|t) of|becom\w+|almost|married to|like a|go to|goes to|visit\w*"
    r"|see|you are|you're|I'd)\b|\b(?:I|we) (?:was|were)\b",
    re.IGNORECASE,
)
_ROLE_ALONE = re.compile(
    r"\A\W*(?:(?:yes|no|oh|well)\b\W*)*(?:an? )?(?:(?!my\b|our\b)[\w'-]+ ){0,3}\Z", re.IGNORECASE
)
_NO_A = re.compile(r"\bno (?:[\w'-]+ ){0,2}\Z", re.IGNORECASE)


def jobs(value: str, wrong: str, text: str) -> Claims:
    """Return the work that the speaker says it has; another's, or of another time, is none.

    Args:
        value: The right one.
        wrong: What the question pretends; empty = nothing.
        text: What the speaker says.
    """
    claims = Claims([], [])
    unsure: list[str] = []
    for sentence in sentences(text):
        for one, start in places_of((value, wrong), sentence):
            before = bearing_on(sentence, start)
            if is_of_others(before) or _NO_ROLE.search(before):
                continue
            if is_denied(sentence[:start]) or _NO_A.search(before):
                claims.denied.append(one)
            else:
                is_alone = re.match(r"\w*\W*(?:\Z|[.,;!])", sentence[start + len(one) :])
                is_role = _ROLE.search(before) or (is_alone and _ROLE_ALONE.match(before))
                is_sure = one == value or is_role
                (claims.affirmed if is_sure else unsure).append(one)
    return claims._replace(unsure=tuple(unsure))


def places_of(values: Sequence[str], sentence: str) -> list[tuple[str, int]]:
    """Return which of some values a sentence holds, and where; empty ones are left out."""
    return [
        (one, found.start())
        for one in values
        if one
        for found in re.finditer(rf"\b{_stems(one)}", sentence, re.IGNORECASE)
    ]


def _stems(value: str) -> str:
    """Return a pattern of the last word, its beginning alone: "baker" is said by "baking" too."""
    last = value.split()[-1]
    return re.escape(last[: max(4, len(last) - 3)])
