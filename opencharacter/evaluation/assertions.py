"""What a text asserts: not what it asks, denies, supposes, or says of other times and people."""

import re
from collections.abc import Iterator

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
_OTHERS = re.compile(
    r"\b(?:if|imagine|pretend|wish|would|his|her|their|he|she|they|(?:people|some|you|friends"
    r"|others|everyone) (?:\w+ )?(?:thinks?|says?|said|believes?)"
    r"|my (?:\w+ )?(?:mother|father|sister|brother|wife|husband|son|daughter|friends?|uncle|aunt"
    r"|cousin|neighbou?r|boss|teacher|grand\w+|parents))\b",
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


def sentences(text: str) -> Iterator[str]:
    """Yield what is asserted; a question asserts nothing."""
    for found in _SENTENCE.finditer(text.replace("*", "")):
        if not found[0].rstrip().endswith("?"):
            yield found[0].strip()


def is_denied(before: str) -> bool:
    """Say whether what follows these words in its sentence is denied."""
    return bool(_DENIES.search(clause(before)))


def is_elsewhen(before: str) -> bool:
    """Say whether what follows is about another time, another person, or only supposed."""
    return bool(_ELSEWHEN.search(clause(before)))


def is_of_others(before: str) -> bool:
    """Say whether what follows is about another person, or only supposed; of any time."""
    return bool(_OTHERS.search(clause(before)))


def clause(before: str) -> str:
    """Return what of the words before a place still bears on it: "not 35, I am " leaves "I am "."""
    anew = [found.end() for found in _ANEW.finditer(before)]
    return before[anew[-1] :] if anew else before


def agreement(text: str) -> str:
    """Return the words at the beginning of an answer that agree to what was said; else nothing."""
    found = _YES.match(text)
    return found[0].strip() if found else ""
