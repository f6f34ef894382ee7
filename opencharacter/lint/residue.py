"""What the template of another trainer left around the turns of a prompt."""

import re

from opencharacter.checks.control import template_token
from opencharacter.lint.dialogue import Dialogue
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn

_LLAMA_2 = re.compile(r"\A\s*(?:<s>\s*)?\[INST\]\s*(?P<said>.*?)\s*\[/INST\]\s*\Z", re.DOTALL)
_ALPACA = re.compile(
    r"\A\s*(?:Below is an instruction that describes a task[^\n]*\n\s*)?### Instruction:\s*"
    r"(?P<said>(?:(?!\n#).)*?)(?:\s*### Input:\s*(?P<input>(?:(?!\n#).)*?))?"
    r"(?:\s*### Response:)?\s*\Z",
    re.DOTALL,
)
_NO_INPUT = re.compile(r"\s*<no ?input>\s*\Z", re.IGNORECASE)


def prompt_residue(dialogue: Dialogue) -> str | None:
    """Return what a template left in a turn of the user or the system, or None.

    Tokens of chat templates, the headings of Alpaca's template around the whole turn, `<noinput>`.
    """
    for turn in dialogue.turns:
        text = turn.text or ""
        if turn.role is Role.assistant or not ("<" in text or "INST]" in text or "### " in text):
            continue
        found = template_token(text)
        if found is None and _bare(text) != text:
            found = next(mark for mark in ("### Instruction:", "<noinput>") if _has(text, mark))
        if found:
            return f"{found!r} in a turn of the {turn.role}"
    return None


def without_residue(turns: list[Turn]) -> list[Turn]:
    """Return the turns without what a template has put around them."""
    return [
        turn._replace(text=_bare(turn.text)) if turn.text and turn.role is Role.user else turn
        for turn in turns
    ]


def _bare(text: str) -> str:
    text = _NO_INPUT.sub("", text)
    if (wrapped := _LLAMA_2.match(text)) and "[" not in wrapped["said"]:
        return wrapped["said"]
    if wrapped := _ALPACA.match(text):
        return "\n\n".join(part.strip() for part in wrapped.group("said", "input") if part)
    return text


def _has(text: str, mark: str) -> bool:
    return mark in text.lower().replace(" ", "") if mark == "<noinput>" else mark in text
