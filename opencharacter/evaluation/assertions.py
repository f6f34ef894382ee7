"""What a text asserts: not what it asks, denies, supposes, or says of other times and people."""

import re
from collections.abc import Iterator

_SENTENCE = re.compile(r"[^.!?\n;]+(?:\.(?=\w)[^.!?\n;]*)*[.!?;]*")
# The latest place from which a denial before it no longer counts: "not 35, I am 42".
_ANEW = re.compile(
    r"\bbut\b|\brather\b|\binstead\b|[,:—–-]\s*(?=(?:I|it|my|that)\b)", re.IGNORECASE
)
_DENIES = re.compile(
    r"\b(?:not(?! (?:just|only|merely|simply)\b)|never|neither|nor|hardly|cannot|without"
    r"|anything but|far from|no longer)\b|n't\b",
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
    r"\b(?:if|imagine|pretend|suppose|wish|would|could|might|should|feels? (?:like|as)|as (?:if"
    r"|though)|his|her|their|he|she|they|(?:people|some|you|friends|others|everyone|everybody"
    r"|nobody|rumou?rs?|legend|papers|records?) (?:\w+ )?(?:thinks?|says?|said|believes?|ha(?:s|ve)"
    r" it)|(?:my|our) (?:\w+ )?(?:mother|father|sisters?|brothers?|wife|husband|sons?|daughters?"
    r"|friends?|uncles?|aunts?|cousins?|neighbou?rs?|boss|teachers?|grand\w+|parents|family|child"
    r"|children|kids?|twins|ancestors))\b",
    re.IGNORECASE,
)
_I_ANEW = re.compile(
    r"(?:(?<!says)(?<!said)[,:\u2014\u2013-]\s*|\b(?:so|and|but|yet|though|now)\s+)(?=(?:I|I'm|my)\b)",
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
_TALK = re.compile(
    r"\W*(?:I'd (?:be|love|like)|I would (?:be|love|like)|I'll|let me|let's|happy to|ask|allow me"
    r"|here(?:'s| is| are))\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\b(?:no|not|never|wrong|mistaken|nonsense|kidding|joking|flattering|wish|but)\b|n't\b",
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


def bearing_on(sentence: str, place: int) -> str:
    """Return the words before a place in a sentence that bear on it.

    Where the speaker comes in anew, as in "my wife is 39 and I am 42", only those since.
    """
    anew = [found.end() for found in _I_ANEW.finditer(sentence) if found.end() <= place]
    return clause(sentence[anew[-1] if anew else 0 : place])


def agreement(text: str) -> str:
    """Return the words at the beginning of an answer that agree to what was said; else nothing.

    A word that only begins to talk ("Sure, I'd be happy to") agrees to nothing.
    """
    found = _YES.match(text)
    is_talk = found and _TALK.match(text[found.end() :])
    return found[0].strip() if found and not is_talk else ""


def takes_back(text: str) -> bool:
    """Say whether the first two sentences of an answer hold a word that may take a "yes" back."""
    first = list(sentences(text))[:2]
    return any(_NO.search(sentence) for sentence in first)
