"""What no text that enters a prompt may hold, whatever it is for."""

import re
from typing import NamedTuple

# Tokens by which chat templates mark turns: LLaMA-3 and ChatML, DeepSeek's full-width ones,
# LLaMA-2 and Mistral, Gemma. In a text they would end the turn that quotes them.
_TOKEN = re.compile(
    r"<\|[^<>|\n]{1,64}\|>|<\uff5c[^<>\uff5c\n]{1,64}\uff5c>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start_of_turn|end_of_turn|bos|eos|endoftext)>"
)
# C0 and DEL, without the white space among them.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_PRIOR = r"(?:previous|prior|preceding|earlier|foregoing|above|your)"
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget)\s+(?:(?:all|any|of|the|these|those|my)\s+){0,3}"
    rf"(?:{_PRIOR}\s+){{1,2}}(?:instruction|prompt)s?\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:(?:all|any|of|the)\s+){0,3}instructions\s+above\b"
    r"|\b(?:reveal|print|show|repeat|output|leak)\s+(?:me\s+)?(?:your|the)\s+"
    r"(?:(?:hidden|secret|full|entire|initial|original)\s+)?system\s+prompts?\b",
    re.IGNORECASE,
)
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


class Flaw(NamedTuple):
    """Why a text is refused."""

    reason: str
    detail: str


def find_flaw(text: str) -> Flaw | None:
    """Return the first flaw of a text: `invalid_utf8`, `control_tokens` or `prompt_injection`.

    The pattern for injections is narrow on purpose: talk *about* instructions and prompts passes.
    """
    if not text.isascii() and (surrogate := _lone_surrogate(text)):
        return Flaw("invalid_utf8", f"character {surrogate} is no character of Unicode")
    if control := _CONTROL.search(text):
        return Flaw("control_tokens", f"control character {control.group()!r}")
    if ("<" in text or "[" in text) and (token := _TOKEN.search(text)):
        return Flaw("control_tokens", f"chat-template token {token.group()!r}")
    if "<" in text and (mark := sequence_mark(text)):
        return Flaw("control_tokens", f"chat-template token {mark!r}")
    if injection := _injection(text):
        return Flaw("prompt_injection", f"{injection!r} speaks to the model")
    return None


def sequence_mark(text: str) -> str | None:
    """Return the `<s>` that begins a text or the `</s>` that ends it for LLaMA-2, or None.

    HTML strikes words out with the same two: a pair around a part of the text, or talk about one,
    is no mark.
    """
    bare = text.strip()
    opened, closed = bare.find("<s>"), bare.find("</s>")
    if opened == 0 and closed in (-1, len(bare) - len("</s>")):
        return "<s>"
    if "</s><s>" in bare or (opened < 0 and bare.endswith("</s>")):
        return "</s>"
    return None


def strip_invisible(text: str) -> str:
    """Return `text` without white space and zero-width characters at both ends."""
    stripped = text.strip()
    while stripped and (stripped[0] in _INVISIBLE or stripped[-1] in _INVISIBLE):
        stripped = stripped.strip(_INVISIBLE).strip()
    return stripped


def is_storable(text: str) -> bool:
    """Whether a text holds characters of Unicode alone, so that it can be encoded."""
    return text.isascii() or not _lone_surrogate(text)


def _lone_surrogate(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"{error.start + 1}, \\u{ord(text[error.start]):04x},"
    return ""


def _injection(text: str) -> str:
    # Every pattern needs one of these words: most texts are done after three fast searches.
    lowered = text.lower()
    if not ("instruction" in lowered or "prompt" in lowered or "system" in lowered):
        return ""
    found = _INJECTION.search(text)
    return found.group() if found else ""
