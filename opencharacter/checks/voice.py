"""Answers in the voice of an assistant, or in the user's."""

import re

_OFFERS = re.compile(
    r"\bhow (?:can|may) i (?:assist|help) you (?:today|further|with (?:this|that|anything))\b"
    r"|\b(?:i )?hope (?:this|that) (?:helps|was helpful|answers your question)\b"
    r"|\b(?:please )?(?:feel free|don't hesitate) to (?:ask|reach out|let me know)\b"
    r"|\bis there anything else (?:i can (?:help|assist|do)|you(?:'d| would) like)\b"
    r"|\blet me know if (?:you (?:have|need) (?:any|further|more)|there(?:'s| is) anything else)\b"
    r"|\bi(?:'m| am) here to (?:help|assist)\b"
)
# One of these stands in every offer; what costs is to look for the offers themselves.
_IN_OFFERS = (
    "i assist you", "i help you", "hope this ", "hope that ", "to ask", "to reach out",
    "to let me know", "there anything else ", "let me know if ", "here to ",
)  # fmt: skip
_OPENING = re.compile(
    r"\W*(?:certainly|sure|of course|absolutely)[!,.]? (?:here(?:'s| is| are)|i can help)\b"
)


def assistant_voice(plain: str) -> str | None:
    """Return the phrase by which chat assistants are known, or None.

    A shopkeeper may well say one of these: a mark to count and look at, not a fault for certain.

    Args:
        plain: The answer in lower case, with straight apostrophes.
    """
    found = _OPENING.match(plain)
    if found is None and any(words in plain for words in _IN_OFFERS):
        found = _OFFERS.search(plain)
    return repr(found[0].strip()) if found else None


_LABEL = re.compile(r"^[ \t>*#\[_-]*(user|human)[\]*_]*[ \t]*:[ \t*_]*\S", re.MULTILINE)
_ASKS_FOR_DIALOGUE = re.compile(
    r"\b(?:dialog(?:ue)?s?|conversations?|scripts?|transcripts?|interviews?|chats?|exchanges?"
    r"|user:|human:|yaml|json|config)\b"
)


def speaks_for_user(plain: str, question: str) -> str | None:
    """Return the line in which an answer goes on as the user, or None.

    That is a line that begins with "User:" or "Human:", unless the question asks for a dialogue
    or shows such a line itself.

    Args:
        plain: The answer in lower case, with straight apostrophes.
        question: The user turn right before it.
    """
    if "user" not in plain and "human" not in plain:
        return None
    found = _LABEL.search(plain)
    if found is None or _ASKS_FOR_DIALOGUE.search(question.lower()):
        return None
    return repr(plain[found.start() : found.end() + 30].strip())
