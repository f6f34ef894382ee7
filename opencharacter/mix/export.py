"""Mixture rows in the layouts that trainers read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from opencharacter.records import Message, MixtureRow, Role

_SHAREGPT = {Role.system: "system", Role.user: "human", Role.assistant: "gpt"}

_LINEAGE = ("id", "character_id", "instruction_id", "persona_id", "source", "method", "licence")
"""Columns that every exported row keeps, whatever its layout."""


def schema_of(layout: str) -> pa.Schema:
    """Return the columns of the rows that `exported` makes in a layout, whatever is in them."""
    text = pa.string()
    columns: dict[str, pa.DataType]
    if layout == "sharegpt":
        columns = {"conversations": pa.list_(pa.struct({"from": text, "value": text}))}
    elif layout == "alpaca":
        columns = dict.fromkeys(("system", "instruction", "input", "output"), text)
        columns["history"] = pa.list_(pa.list_(text))
    else:
        columns = {"messages": pa.list_(pa.struct({"role": text, "content": text}))}
    return pa.schema(columns | dict.fromkeys(_LINEAGE, text))


def exported(row: MixtureRow, layout: str) -> dict[str, Any]:
    """Return a row in a layout, with its lineage.

    `messages` is what TRL and the OpenAI format read; `sharegpt` has `conversations` of `from` and
    `value`; `alpaca` has `system`, `instruction`, `input`, `output` and, for what was said before
    the last turn, `history`, a list of pairs, as LLaMA-Factory reads it.

    Args:
        row: Of the mixture.
        layout: `messages`, `sharegpt` or `alpaca`.
    """
    lineage = {name: str(getattr(row, name)) for name in _LINEAGE}
    if layout == "sharegpt":
        turns = [{"from": _SHAREGPT[m.role], "value": m.content} for m in row.messages]
        return {"conversations": turns, **lineage}
    if layout == "alpaca":
        return _alpaca(row.messages) | lineage
    turns = [{"role": str(m.role), "content": m.content} for m in row.messages]
    return {"messages": turns, **lineage}


def _alpaca(messages: Sequence[Message]) -> dict[str, Any]:
    system = "".join(m.content for m in messages if m.role is Role.system)
    texts = [m.content for m in messages if m.role is not Role.system]
    pairs = [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
    question, answer = pairs[-1]
    found: Mapping[str, Any] = {
        "system": system,
        "instruction": question,
        "input": "",
        "output": answer,
        "history": pairs[:-1],
    }
    return dict(found)
