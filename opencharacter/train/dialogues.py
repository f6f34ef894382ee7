"""Dialogues of a mixture as encoding needs them, and which of them are no training rows."""

from typing import NamedTuple

import pyarrow as pa

from opencharacter.records import Rejection, Role

_EXCERPT = 200  # characters


class Dialogue(NamedTuple):
    """A row of a mixture."""

    row_id: str
    roles: tuple[str, ...]
    texts: tuple[str, ...]
    """Without white space around them, as templates show them."""
    untrained: frozenset[int]
    """Places of the assistant's turns that are not learned."""

    def is_learned(self, place: int) -> bool:
        """Return whether the assistant says this message, and it is learned."""
        return self.roles[place] == Role.assistant and place not in self.untrained


class Refused(NamedTuple):
    """Why a dialogue is no training row."""

    reason: str
    detail: str


def read_dialogues(rows: pa.RecordBatch) -> list[Dialogue]:
    """Return the dialogues of some rows of a mixture."""
    messages = rows.column("messages")
    bounds = messages.offsets.to_pylist()
    values = messages.values
    roles = values.field("role").to_pylist()
    texts = [text.strip() for text in values.field("content").to_pylist()]
    ids = rows.column("id").to_pylist()
    has_untrained = "untrained" in rows.schema.names
    left_out = rows.column("untrained").to_pylist() if has_untrained else [()] * len(ids)
    return [
        Dialogue(id_, tuple(roles[start:end]), tuple(texts[start:end]), frozenset(untrained))
        for id_, start, end, untrained in zip(ids, bounds, bounds[1:], left_out, strict=False)
    ]


def role_fault(roles: tuple[str, ...]) -> Refused | None:
    """Return why nobody learns from messages of such roles, or None."""
    known = {*Role}
    rest = roles[1:] if roles[:1] == (Role.system,) else roles
    first = len(roles) - len(rest)
    for place, role in enumerate(rest):
        if role not in known:
            return Refused("broken_roles", f"message {first + place} is of nobody: {role!r}")
    if Role.assistant not in rest:
        return Refused("no_supervised_token", "the assistant says nothing")
    if rest[0] == Role.assistant:
        return Refused("assistant_first", "the assistant speaks before anybody asks")
    for place, role in enumerate(rest):
        expected = Role.assistant if place % 2 else Role.user
        if role != expected:
            detail = f"message {first + place} is the {role}'s, not the {expected}'s"
            return Refused("broken_roles", detail)
    return None


def text_fault(dialogue: Dialogue) -> Refused | None:
    """Return why nothing is learned from the texts of a dialogue of sound roles, or None."""
    learned = False
    for place, role in enumerate(dialogue.roles):
        if role != Role.assistant:
            continue
        if not dialogue.texts[place]:
            return Refused("empty_turn", f"message {place}, the assistant's, is empty")
        learned = learned or place not in dialogue.untrained
    if not learned:
        return Refused("no_supervised_token", "no turn of the assistant is to be learned")
    return None


def rejection(dialogue: Dialogue, rows: pa.RecordBatch, place: int, fault: Refused) -> Rejection:
    """Return the rejection of row `place` of some rows."""
    said = zip(dialogue.roles, dialogue.texts, strict=True)
    parents = ("character_id", "instruction_id")
    return Rejection(
        key=dialogue.row_id,
        reason=fault.reason,
        detail=fault.detail,
        origin=" ".join(filter(None, (rows.column(name)[place].as_py() for name in parents))),
        excerpt=" / ".join(f"{role}: {text[:_EXCERPT]}" for role, text in said)[:_EXCERPT],
    )
