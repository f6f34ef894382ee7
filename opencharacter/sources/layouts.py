"""The layouts in which instructions are published, each read into turns.

- Alpaca: `{instruction, input, output}`, and `history: [[user, assistant], ...]` before them
- messages: `{messages: [{role, content}, ...]}`
- ShareGPT: `{conversations: [{from, value}, ...]}`
- LIMA: `{conversations: [user, assistant, user, ...]}`
- PH-Instruct: `{"synthesized text"}`, of Persona Hub's `instruction`; no answers

A column `system` is the system turn of a row whose turns begin with no other. In `messages` an
assistant turn whose content is null is an answer that nobody has given yet. Content may also be a
list of parts, `[{"type": "text", "text": ...}]`, as OpenAI has it, if all are text.
"""

import re
from collections.abc import Mapping, Sequence
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
# As chat templates spell them, and trainers that read ShareGPT.
_SPELLED: dict[str, dict[Role, tuple[str, ...]]] = {
    "role": {Role.system: ("system",), Role.user: ("user",), Role.assistant: ("assistant",)},
    "from": {
        Role.system: ("system",),
        Role.user: ("human", "user"),
        Role.assistant: ("gpt", "assistant"),
    },
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
    rest: Mapping[str, Any] | None = None
    """Its dictionary in the source, without the text; None = it had none."""


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
    turns = _spoken_turns(row)
    system = row.get("system")
    is_apart = isinstance(system, str) and bool(system.strip())
    if is_apart and (not turns or turns[0].role is not Role.system):
        return [Turn(Role.system, system), *turns]
    return turns


def _spoken_turns(row: dict[str, Any]) -> list[Turn]:
    """Return the turns without the column `system`."""
    if "messages" in row:
        return _tagged(_listed(row, "messages"), "messages", "role", "content")
    if "conversations" in row:
        turns = _listed(row, "conversations")
        if turns and isinstance(turns[0], str):
            return _lima(turns)
        return _tagged(turns, "conversations", *_sharegpt_keys(turns))
    if "instruction" in row or {"input", "output"} <= row.keys():
        return _alpaca(row)
    if "synthesized text" in row:
        return [Turn(Role.user, _synthesized(row["synthesized text"]))]
    keys = [str(key)[:40] for key in list(row)[:10]]
    raise LayoutError("unknown_layout", f"the keys {keys} fit none of: {_KNOWN}")


def with_turns(row: dict[str, Any], turns: Sequence[Turn]) -> dict[str, Any]:
    """Return a copy of a row with other turns, in the row's own layout.

    What a turn had besides its text (`weight`, `name`, the role as its source spells it) it keeps.

    Args:
        row: That `read_turns` can read.
        turns: Its own, in order: some left out, others with another text.

    Raises:
        LayoutError: `unknown_layout`: this layout has no room for these turns.
    """
    own = read_turns(row)
    if list(turns) == own:
        return dict(row)
    apart = next((turn for turn in turns if _is_column(turn)), None)
    inside = [turn for turn in turns if turn is not apart]
    system = {"system": (apart and apart.text) or ""} if any(map(_is_column, own)) else {}
    if "messages" in row:
        return row | system | {"messages": _tagged_again(inside, "content")}
    if "conversations" in row:
        before = _listed(row, "conversations")
        if before and isinstance(before[0], str):
            return row | system | {"conversations": [turn.text for turn in inside]}
        _, text_key = _sharegpt_keys(before)
        return row | system | {"conversations": _tagged_again(inside, text_key)}
    if "instruction" in row:
        return row | system | _alpaca_again(row, inside)
    raise LayoutError("unknown_layout", f"no room for {len(turns)} turns beside {sorted(row)}")


def standard_role(turn: Turn) -> Turn:
    """Return a turn with its role as chat templates spell it: the same turn if it is so already.

    `messages` have system, user, assistant; ShareGPT has system, human, gpt, or user, assistant.
    """
    key = next((key for key in _SPELLED if key in (turn.rest or {})), None)
    if turn.rest is None or key is None:
        return turn
    usual, given = _SPELLED[key][turn.role], str(turn.rest[key])
    if given in usual:
        return turn
    plain = given.strip().lower()
    return turn._replace(rest={**turn.rest, key: plain if plain in usual else usual[0]})


def joined_parts(content: Any) -> Any:
    """Return the text of a list of text parts, a line end between two; all else as it is."""
    if not isinstance(content, list) or not content:
        return content
    texts = [part.get("text") for part in content if _is_text_part(part)]
    is_text = len(texts) == len(content) and all(isinstance(text, str) for text in texts)
    return "\n".join(texts) if is_text else content


def _is_text_part(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text"


def _is_column(turn: Turn) -> bool:
    return turn.role is Role.system and turn.rest is None


def _sharegpt_keys(turns: list[Any]) -> tuple[str, str]:
    # Some copies of ShareGPT use the keys of `messages`.
    has_roles = bool(turns) and isinstance(turns[0], dict) and "role" in turns[0]
    return ("role", "content") if has_roles else ("from", "value")


def _tagged_again(turns: Sequence[Turn], text_key: str) -> list[dict[str, Any]]:
    return [{**(turn.rest or {}), text_key: turn.text} for turn in turns]


def _alpaca_again(row: dict[str, Any], turns: Sequence[Turn]) -> dict[str, Any]:
    roles = (Role.user, Role.assistant)
    if not turns or any(turn.role is not roles[i % 2] for i, turn in enumerate(turns)):
        said = ", ".join(turn.role for turn in turns)
        raise LayoutError("unknown_layout", f"no room for turns by {said or 'nobody'} in Alpaca")
    texts = [turn.text or "" for turn in turns]
    pairs = [list(pair) for pair in zip(texts[::2], [*texts[1::2], ""], strict=False)]
    question, answer = pairs.pop()
    history = {"history": pairs} if pairs or row.get("history") else {}
    return _question_again(row, question) | {"output": answer} | history


def _question_again(row: dict[str, Any], question: str) -> dict[str, Any]:
    """Return `instruction` and `input`: the row's own if they say the same, line ends apart."""
    own = {key: row[key] for key in ("instruction", "input") if isinstance(row.get(key), str)}
    mended = {key: plain_line_ends(text) for key, text in own.items()}
    for kept in (own, mended):
        if _alpaca_question(row | kept) == question:
            return kept
    return {"instruction": question, "input": ""}


def plain_line_ends(text: str) -> str:
    r"""Return `text` with \n for the ends of lines that Windows and old Macs write."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _alpaca(row: dict[str, Any]) -> list[Turn]:
    if "instruction" not in row:
        raise LayoutError("missing_key", f"no 'instruction' beside {sorted(map(str, row))}")
    history = _listed(row, "history") if row.get("history") else []
    turns = [turn for i, pair in enumerate(history) for turn in _pair(pair, f"history[{i}]")]
    turns.append(Turn(Role.user, _alpaca_question(row)))
    answer = _string(row.get("output") or "", "output")
    return [*turns, Turn(Role.assistant, answer)] if answer.strip() else turns


def _pair(pair: Any, name: str) -> list[Turn]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise LayoutError("wrong_type", f"{name} must be a question with its answer")
    roles = (Role.user, Role.assistant)
    return [Turn(role, _string(text, name)) for role, text in zip(roles, pair, strict=True)]


def _alpaca_question(row: dict[str, Any]) -> str:
    question = _string(row["instruction"], "instruction")
    given = _string(row.get("input") or "", "input").strip()
    if given and given.lower() not in _NO_INPUT:
        # An instruction that is empty stays empty: an input alone asks for nothing.
        return f"{question.strip()}\n\n{given}" if question.strip() else ""
    return question


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
    rest = turn | {text_key: None}  # in its place, so that a mended turn has its keys in order
    if turn[text_key] is None and _ROLES[role] is Role.assistant:
        return Turn(Role.assistant, None, rest)
    text = _string(joined_parts(turn[text_key]), f"{name}.{text_key}")
    return Turn(_ROLES[role], text, rest)


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
