"""What the template of another trainer left around the turns of a prompt."""

from opencharacter.checks.control import template_token
from opencharacter.lint.dialogue import Dialogue
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn

_NO_INPUT = ("<noinput>", "<no input>")
_ASKS, _GIVES, _ANSWERS = "### Instruction:", "### Input:", "### Response:"
_PREAMBLE = "Below is an instruction that describes a task"


def prompt_residue(dialogue: Dialogue) -> str | None:
    """Return what a template left in a turn of the user or the system, or None.

    Tokens of chat templates, the headings of Alpaca's template around the whole turn, `<noinput>`.
    """
    for turn in dialogue.turns:
        text = turn.text or ""
        if turn.role is not Role.assistant and (found := _residue(text)):
            return f"{found!r} in a turn of the {turn.role}"
    return None


def _residue(text: str) -> str | None:
    if not ("<" in text or "INST]" in text or _ASKS in text):
        return None
    found = template_token(text)
    if found is None and _bare(text) != text:
        return _ASKS if _ASKS in text else _NO_INPUT[0]
    return found


def without_residue(turns: list[Turn]) -> list[Turn]:
    """Return the turns without what a template has put around the user's."""
    return [
        turn._replace(text=_bare(turn.text)) if turn.text and turn.role is Role.user else turn
        for turn in turns
    ]


def _bare(text: str) -> str:
    bare = text.strip()
    if bare.lower().endswith(_NO_INPUT):
        return bare[: bare.rindex("<")].rstrip()
    if bare.startswith(("[INST]", "<s>[INST]", "<s> [INST]")) and bare.endswith("[/INST]"):
        said = bare.partition("[INST]")[2].removesuffix("[/INST]").strip()
        return text if "INST]" in said else said
    return _out_of_alpaca(bare) or text


def _out_of_alpaca(text: str) -> str:
    """Return instruction and input out of Alpaca's template; empty if a text is something else."""
    before, heading, rest = text.partition(_ASKS)
    if not heading or (before and not before.startswith(_PREAMBLE)):
        return ""
    asked, _, given = rest.strip().removesuffix(_ANSWERS).partition(_GIVES)
    parts = [part.strip() for part in (asked, given) if part.strip()]
    is_more = any(part.startswith("#") or "\n#" in part for part in parts)
    return "" if is_more else "\n\n".join(parts)
