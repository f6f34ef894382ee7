"""Characters that are not what their writer meant: mojibake, and those that nobody sees."""

import re

from ftfy import TextFixerConfig, fix_encoding
from ftfy.badness import is_bad

from opencharacter.lint.dialogue import Dialogue
from opencharacter.sources.layouts import Turn

# Only what is certain: bytes that were lost are not guessed.
_CERTAIN = TextFixerConfig(replace_lossy_sequences=False, fix_c1_controls=False)
# The first byte of a character in UTF-8 and one that follows, as Windows-1252 or 1251 shows them:
# looking for these costs less than `is_bad`.
_MAY_BE_BAD = re.compile(
    "[\u00c2-\u00f4][\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013-\u2122]|[\u00c3\u00d0\u00d1] "
    "|[\u0420\u0421\u0432][\u0402-\u040f\u0452-\u045f\u00a0-\u00bf\u2013-\u2122]"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_DIRECTION = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(
    "[\ufeff\u2060\u00ad]"
    # Thai, Lao, Burmese and Khmer mark words with it.
    "|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
    # Emoji and the scripts of India and Persia are joined by these; Latin letters are not.
    "|(?:(?<=[\x00-\u024f])|\\A)[\u200c\u200d](?=[\x00-\u024f]|\\Z)"
)
_UNDIRECTED = re.compile(f"{_INVISIBLE.pattern}|[{_DIRECTION}]")


def mojibake(dialogue: Dialogue) -> str | None:
    """Return the first UTF-8 that was read as something else, and what it was, or None."""
    for number, turn in enumerate(dialogue.turns, start=1):
        text = turn.text or ""
        if _is_bad(text):
            fixed = _fixed(text)
            said = f"{_where(text, fixed)!r} for {_where(fixed, text)!r}"
            return f"turn {number}, by {turn.role}: {said if fixed != text else repr(text[:40])}"
    return None


def without_mojibake(turns: list[Turn]) -> list[Turn]:
    """Return the turns with the characters that were meant, where that is certain."""
    return [
        turn._replace(text=_fixed(turn.text)) if turn.text and _is_bad(turn.text) else turn
        for turn in turns
    ]


def _is_bad(text: str) -> bool:
    return not text.isascii() and bool(_MAY_BE_BAD.search(text)) and is_bad(text)


def _fixed(text: str) -> str:
    return fix_encoding(text, _CERTAIN)


def _where(text: str, other: str) -> str:
    """Return the part of a text that begins where it differs from the other."""
    same = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return text[max(0, same - 5) : same + 10]


def invisible_character(dialogue: Dialogue) -> str | None:
    """Return the first character that nobody sees and no script needs there, or None."""
    for number, turn in enumerate(dialogue.turns, start=1):
        found = _unseen(turn.text or "").search(turn.text or "")
        if found:
            return f"U+{ord(found[0]):04X} in turn {number}, by {turn.role}"
    return None


def without_invisible(turns: list[Turn]) -> list[Turn]:
    """Return the turns without the characters that nobody sees."""
    return [
        turn._replace(text=_unseen(turn.text).sub("", turn.text)) if turn.text else turn
        for turn in turns
    ]


def _unseen(text: str) -> re.Pattern[str]:
    """Return what to look for: text from right to left needs marks of direction."""
    return _INVISIBLE if _RIGHT_TO_LEFT.search(text) else _UNDIRECTED
