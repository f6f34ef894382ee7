"""Answers that stop before their end."""

import re

_CUT_CHARS = 60
# What a finished answer ends with, in most languages; a bare number of an item does too.
_ENDS = frozenset(".!?\u2026\"')*_]\u201d\u2019\u00bb\u3002\uff01\uff1f")
_GOES_ON = re.compile(
    r"(?:\(|[^\n]{40},|(?<=[\s\w])-|\b(?:the|an?|and|or|but|of|to|in|on|at|with|for|from|by|as|is"
    r"|are|was|were|that|which|who|whose|because|if|than|into|your|my|his|her|their|its|our|will"
    r"|would|can|could|every|very))\s*\Z"
)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_BARE_ITEM = re.compile(r"\n[ \t]*(?:\d{1,3}[.)]|[-*\u2022])\s*\Z")
_ITEM = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-*\u2022])[ \t]+\S", re.MULTILINE)
_ANNOUNCES = re.compile(r"\w[^\n]*\w:\s*\Z")
_PROSE_WORDS = 8
_CAPITALIZED = 2  # of those words, in prose at most


def cut_off(answer: str) -> str | None:
    """Return how an answer ends, if more must have followed, or None.

    On `the`, on `and`, on a comma in a long line, on the number of an item without the item, on a
    colon, or inside of code.
    """
    tail = answer[-_CUT_CHARS:].rstrip()
    if "```" in answer:
        is_open = len(_FENCE.findall(answer)) % 2 == 1
        return f"it ends inside of ```: {answer[-30:]!r}" if is_open else None
    if "\n" in tail[-8:] and _BARE_ITEM.search(tail) and _ITEM.search(answer):
        return f"it ends {answer[-30:]!r}"
    if tail[-1:] in _ENDS or len(answer) < _CUT_CHARS:
        return None
    goes_on = _GOES_ON.search(tail) or _ANNOUNCES.search(tail)
    return f"it ends {answer[-30:]!r}" if goes_on else None


def open_end(answer: str) -> str | None:
    """Return how an answer ends, if that is prose without a full stop, or None.

    Eight words in a row, most in lower case and no comma between: no list, title, table or address.
    Not every writer sets a full stop, so this is no reason to drop an answer.
    """
    words = answer[-300:].rstrip().rpartition("\n")[2].split()[-_PROSE_WORDS:]
    n_lower = sum(word[0].islower() for word in words)
    is_prose = len(words) == _PROSE_WORDS and n_lower >= _PROSE_WORDS - _CAPITALIZED
    if not is_prose or not all(map(_is_word, words)) or "```" in answer or cut_off(answer):
        return None
    return f"it ends {answer[-30:]!r}"


def _is_word(word: str) -> bool:
    return word.replace("'", "").replace("\u2019", "").replace("-", "").isalpha()
