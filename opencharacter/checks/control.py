"""Chat-template tokens, control characters and lost characters in an answer."""

import re

from opencharacter.sources.screen import sequence_mark

_TEMPLATE = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,40}[|\uff5c]>"  # LLaMA-3, ChatML, DeepSeek
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
)
# C0 but tab and line feed; and half a character: no file can hold it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def template_token(text: str) -> str | None:
    """Return the first chat-template token of a text, or None."""
    found = _TEMPLATE.search(text) if "<" in text or "INST]" in text else None
    return found[0] if found else None


def control_tokens(answer: str) -> str | None:
    """Return the first chat-template token or control character of an answer, or None."""
    found = _TEMPLATE.search(answer) if "<" in answer or "INST]" in answer else None
    found = found or _CONTROL.search(answer)
    if found:
        return f"{found[0]!r} at character {found.start()}"
    mark = sequence_mark(answer)
    return f"{mark!r} at the beginning or end" if mark else None


_ABOUT_CHARACTERS = re.compile(r"unicode|utf-?8|u\+|encod|character|\ufffd", re.IGNORECASE)


def replacement_character(answer: str, question: str) -> str | None:
    """Return where an answer has U+FFFD, or None: a character of which nobody knows what it was.

    A model writes it where the bytes of its tokens make no character.
    """
    at = answer.find("\ufffd")
    if at < 0 or _ABOUT_CHARACTERS.search(question):
        return None
    return f"U+FFFD in {answer[max(0, at - 15) : at + 15]!r}"
