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


_LABEL = re.compile(
    # after a finished answer, or in front of all; a bullet before it makes it an item of a list
    r"(?:\A|(?<=[^\w\s,:;|])[ \t]*\n\s*)"
    r"(?:> ?|#+ ?|\*\*|\[)*(?:user|human)[\]*_]*[ \t]*:[ \t*_]*(?P<said>\S.*)"
)
_OTHERS = re.compile(
    r"^[ \t>*#\[_-]*(?!(?:user|human|assistant|ai|bot|chatbot|model)\b)"
    r"([^\W\d][\w '-]{0,30})[\]*_]*[ \t]*:[ \t*_]*\S",
    re.MULTILINE,
)
# Speech asks or calls, or begins as talk does; an item of a list or a field of a table does not.
_SPEECH = re.compile(
    r".*[?!][\"')*]*\s*\Z|(?:i|i'm|i've|i'd|i'll|we|let's|hello|hi|hey|thanks|thank you|please|ok"
    r"|okay|yes|yeah|no|and|but|so|oh|wow|well|what|why|how|can you|could you|tell|sorry|that)\b"
)
_ANSWERED = re.compile(r"\s*\n[\s>*#\[_]*assistant[\]*_]*[ \t]*:")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ASKS_FOR_DIALOGUE = re.compile(
    r"\b(?:dialog(?:ue)?s?|conversations?|scripts?|transcripts?|interviews?|chat\w*|bots?|exchanges?"
    r"|scenes?|skits?|plays?|screenplays?|role-?plays?|simulat\w+|prompts?|yaml|json|config)\b"
    r"|\b(?:user|human):"
)


def asks_for_dialogue(question: str) -> bool:
    """Return whether a question may want a dialogue, or is about prompts and the like."""
    return bool(_ASKS_FOR_DIALOGUE.search(question.lower()))


def speaks_for_user(plain: str, question: str) -> str | None:
    """Return the line in which an answer goes on as the user, or None.

    That is a line of speech that begins with "User:" or "Human:", after a finished answer. It is
    something else where the question asks for a dialogue or shows such a line itself, and where
    more lines of the answer begin with other labels: a schema, a use case, a play.

    Args:
        plain: The answer in lower case, with straight apostrophes.
        question: The user turn right before it.
    """
    if "user" not in plain and "human" not in plain:
        return None
    text = _FENCED.sub(".", plain)
    turns = _LABEL.finditer(text)
    spoken = (t for t in turns if _SPEECH.match(t["said"]) or _ANSWERED.match(text, t.end()))
    found = next(spoken, None)
    if found is None or asks_for_dialogue(question):
        return None
    if len({other[1] for other in _OTHERS.finditer(text)}) > 1:
        return None
    return repr(found[0].strip()[:60])
