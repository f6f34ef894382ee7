"""Chat-template tokens and control characters in an answer."""

import re

from opencharacter.sources.screen import sequence_mark

_TEMPLATE = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,40}[|\uff5c]>"  # LLaMA-3, ChatML, DeepSeek
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
)
# C0 but tab and line feed; and half a character: no file can hold it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def control_tokens(answer: str) -> str | None:
    """Return the first chat-template token or control character of an answer, or None."""
    found = _TEMPLATE.search(answer) if "<" in answer or "INST]" in answer else None
    found = found or _CONTROL.search(answer)
    if found:
        return f"{found[0]!r} at character {found.start()}"
    mark = sequence_mark(answer)
    return f"{mark!r} at the beginning or end" if mark else None
