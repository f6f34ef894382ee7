"""Answers that stop before their end: those that surely do, and those that may."""

import re

from opencharacter.lint.dialogue import Dialogue
from opencharacter.records import Role

_CUT_CHARS = 60
_GOES_ON = re.compile(
    r"(?:\(|[^\n]{40},|(?<=[\s\w])-|\b(?:the|an?|and|or|but|of|to|in|on|at|with|for|from|by|as|is"
    r"|are|was|were|that|which|who|whose|because|if|than|into|your|my|his|her|their|its|our|will"
    r"|would|can|could|every|very))\s*\Z"
)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_BARE_ITEM = re.compile(r"\n[ \t]*(?:\d{1,3}[.)]|[-*\u2022])[ \t]*\n*\Z")
_ANNOUNCES = re.compile(r"\w[^\n]*\w:\s*\Z")
_PROSE_WORDS = 8
_CAPITALIZED = 2  # of those words, in prose at most


def cut_off(dialogue: Dialogue) -> str | None:
    """Return how the last answer ends, if more must have followed, or None.

    On `the`, on `and`, on a comma in a long line, on the number of an item without the item, on a
    colon, or inside of code.
    """
    text = _last_answer(dialogue)
    if "```" in text:
        return "the last answer ends inside of ```" if _is_open(text) else None
    is_item = _BARE_ITEM.search(text, max(0, len(text) - 20))
    if is_item and _is_list(text):
        return f"the last answer ends {text[-30:]!r}"
    if len(text) < _CUT_CHARS:
        return None
    end = max(0, len(text) - _CUT_CHARS)
    if _GOES_ON.search(text, end) or _ANNOUNCES.search(text, end):
        return f"the last answer ends {text[-30:]!r}"
    return None


def open_end(dialogue: Dialogue) -> str | None:
    """Return how the last answer ends, if that is prose without a full stop, or None.

    Eight words in a row, most in lower case and no comma between: no list, title, table or address.
    Not every writer sets a full stop: to be counted, and no reason to drop a row.
    """
    text = _last_answer(dialogue)
    words = text[-300:].rstrip().rpartition("\n")[2].split()[-_PROSE_WORDS:]
    n_lower = sum(word[0].islower() for word in words)
    is_prose = len(words) == _PROSE_WORDS and n_lower >= _PROSE_WORDS - _CAPITALIZED
    if not is_prose or not all(map(_is_word, words)) or "```" in text or cut_off(dialogue):
        return None
    return f"the last answer ends {text[-30:]!r}"


def _is_word(word: str) -> bool:
    return word.replace("'", "").replace("\u2019", "").replace("-", "").isalpha()


def _last_answer(dialogue: Dialogue) -> str:
    last = dialogue.spoken[-1] if dialogue.spoken else None
    return (last.text or "") if last and last.role is Role.assistant else ""


def _is_open(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1


def _is_list(text: str) -> bool:
    """Return whether items stand before the bare one: `3.` alone may be a sum."""
    return len(re.findall(r"^[ \t]*(?:\d{1,3}[.)]|[-*\u2022])[ \t]+\S", text, re.MULTILINE)) >= 1
