"""The layouts in which instructions are published, each read into turns.

- Alpaca: `{instruction, input, output}`
- messages: `{messages: [{role, content}, ...]}`
- ShareGPT: `{conversations: [{from, value}, ...]}`
- LIMA: `{conversations: [user, assistant, user, ...]}`
- PH-Instruct: `{"synthesized text"}`, of Persona Hub's `instruction`; no answers

In `messages` an assistant turn whose content is null is an answer that nobody has given yet.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from opencharacter.records import Role
from opencharacter.sources.lines import decoded_again

_ROLES = {
    "system": Role.system,
    "developer": Role.system,
    "user": Role.user,
    "human": Role.user,
    "prompter": Role.user,
    "assistant": Role.assistant,
    "gpt": Role.assistant,
    "chatgpt": Role.assistant,
    "bing": Role.assistant,
    "bard": Role.assistant,
    "bot": Role.assistant,
    "model": Role.assistant,
    "char": Role.assistant,
    "character": Role.assistant,
}
# Persona Hub's prompt for synthesis asks for this label, and part of the rows keep it.
_LABEL = re.compile(r"^[\s*\"“]*user (?:prompt|instruction)s?\s*\**\s*:\s*\**\s*", re.IGNORECASE)
_NO_INPUT = ("<noinput>", "<no input>")
_KNOWN = (
    "Alpaca (instruction, input, output), messages, conversations (LIMA or ShareGPT), "
    "Persona Hub (synthesized text)"
)


class Turn(NamedTuple):
    """One turn as its source has it."""

    role: Role
    text: str | None
    """None = an answer still to be given."""


class LayoutError(Exception):
    """A row fits no layout, or breaks its own; becomes a rejection."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep what the rejection will say."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_turns(row: dict[str, Any]) -> list[Turn]:
    """Return the turns of a row in whichever layout it is, in order, texts as they stand.

    Raises:
        LayoutError: `unknown_layout`, `missing_key`, `wrong_type` or `unknown_role`.
    """
    if "messages" in row:
        return _tagged(_listed(row, "messages"), "messages", "role", "content")
    if "conversations" in row:
        turns = _listed(row, "conversations")
        if turns and isinstance(turns[0], str):
            return _lima(turns)
        # Some copies of ShareGPT use the keys of `messages`.
        if turns and isinstance(turns[0], dict) and "role" in turns[0]:
            return _tagged(turns, "conversations", "role", "content")
        return _tagged(turns, "conversations", "from", "value")
    if "instruction" in row or {"input", "output"} <= row.keys():
        return _alpaca(row)
    if "synthesized text" in row:
        return [Turn(Role.user, _synthesized(row["synthesized text"]))]
    keys = [str(key)[:40] for key in list(row)[:10]]
    raise LayoutError("unknown_layout", f"the keys {keys} fit none of: {_KNOWN}")


def with_turns(row: dict[str, Any], turns: Sequence[Turn]) -> dict[str, Any]:
    """Return a copy of a row with other turns, in the row's own layout.

    Roles that a row names in its own way ("human", "gpt") keep their names.

    Raises:
        LayoutError: `unknown_layout`: this layout has no room for these turns.
    """
    if "messages" in row:
        return row | {"messages": _tagged_again(row, "messages", "role", "content", turns)}
    if "conversations" in row:
        before = _listed(row, "conversations")
        if before and isinstance(before[0], str):
            return row | {"conversations": [turn.text for turn in turns]}
        keys = ("role", "content") if before and "role" in before[0] else ("from", "value")
        return row | {"conversations": _tagged_again(row, "conversations", *keys, turns)}
    texts = [turn.text or "" for turn in turns]
    if "instruction" in row and len(turns) <= 2:
        if list(turns) == _alpaca(row):
            return dict(row)
        return row | {"instruction": texts[0], "input": "", "output": "".join(texts[1:])}
    raise LayoutError("unknown_layout", f"no room for {len(turns)} turns beside {sorted(row)}")


def _tagged_again(
    row: dict[str, Any], name: str, role_key: str, text_key: str, turns: Sequence[Turn]
) -> list[dict[str, Any]]:
    spelled = {Role(role): str(role) for role in Role}
    for turn in reversed(_listed(row, name)):
        spelled[_ROLES[turn[role_key].strip().lower()]] = turn[role_key]
    return [{role_key: spelled[turn.role], text_key: turn.text} for turn in turns]


def _alpaca(row: dict[str, Any]) -> list[Turn]:
    if "instruction" not in row:
        raise LayoutError("missing_key", f"no 'instruction' beside {sorted(map(str, row))}")
    question = _string(row["instruction"], "instruction")
    given = _string(row.get("input") or "", "input").strip()
    answer = _string(row.get("output") or "", "output")
    if given and given.lower() not in _NO_INPUT:
        # An instruction that is empty stays empty: an input alone asks for nothing.
        question = f"{question.strip()}\n\n{given}" if question.strip() else ""
    turns = [Turn(Role.user, question)]
    return [*turns, Turn(Role.assistant, answer)] if answer.strip() else turns


def _lima(turns: list[Any]) -> list[Turn]:
    roles = (Role.user, Role.assistant)
    return [
        Turn(roles[index % 2], _string(text, f"conversations[{index}]"))
        for index, text in enumerate(turns)
    ]


def _tagged(turns: list[Any], name: str, role_key: str, text_key: str) -> list[Turn]:
    return [
        _tagged_turn(turn, f"{name}[{index}]", role_key, text_key)
        for index, turn in enumerate(turns)
    ]


def _tagged_turn(turn: Any, name: str, role_key: str, text_key: str) -> Turn:
    if not isinstance(turn, dict):
        raise LayoutError("wrong_type", f"{name} must be an object; it is {_type(turn)}")
    for key in (role_key, text_key):
        if key not in turn:
            raise LayoutError("missing_key", f"{name} has no '{key}'")
    role = _string(turn[role_key], f"{name}.{role_key}").strip().lower()
    if role not in _ROLES:
        raise LayoutError("unknown_role", f"{name} is spoken by '{role[:40]}'")
    if turn[text_key] is None and _ROLES[role] is Role.assistant:
        return Turn(Role.assistant, None)
    return Turn(_ROLES[role], _string(turn[text_key], f"{name}.{text_key}"))


def _synthesized(value: Any) -> str:
    text = _string(value, "synthesized text").strip()
    if text.startswith('"') and isinstance(inner := decoded_again(text), str):
        text = inner
    bare = _LABEL.sub("", text, count=1)
    # A quotation that began before the label has lost its opening mark with it.
    is_quoted = bare != text and text[:1] in ('"', "“") and bare[-1:] in ('"', "”")
    return bare[:-1] if is_quoted else bare


def _listed(row: dict[str, Any], key: str) -> list[Any]:
    value = row[key]
    if isinstance(value, str):
        value = decoded_again(value)
    if not isinstance(value, list):
        raise LayoutError("wrong_type", f"'{key}' must be a list; it is {_type(value)}")
    return value


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise LayoutError("wrong_type", f"'{name}' must be a string; it is {_type(value)}")
    return value


def _type(value: Any) -> str:
    return f"of type {type(value).__name__}"
