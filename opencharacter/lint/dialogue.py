"""A row of a training file as a dialogue, whatever its layout."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, takewhile
from typing import Any

from opencharacter.checks.answers import Answer
from opencharacter.checks.facts import NOTHING_KNOWN, facts_in
from opencharacter.records import Role
from opencharacter.sources.layouts import Turn, plain_line_ends


@dataclass(kw_only=True)
class Dialogue:
    """One row: its turns, system turns included, and the row they came from."""

    place: str
    """File and line or entry number."""
    row: dict[str, Any] = field(repr=False)
    turns: list[Turn]

    @cached_property
    def system(self) -> str:
        """The text of the system turns in front."""
        front = takewhile(lambda turn: turn.role is Role.system, self.turns)
        return plain_line_ends("\n".join(turn.text or "" for turn in front))

    @cached_property
    def spoken(self) -> list[Turn]:
        """The turns without the system's."""
        return [turn for turn in self.turns if turn.role is not Role.system]

    @cached_property
    def answers(self) -> list[Answer]:
        """Every assistant turn with the user turn right before it, line ends made plain."""
        facts = facts_in(self.system) if self.system else NOTHING_KNOWN
        return [
            Answer(
                text=plain_line_ends(turn.text),
                question=plain_line_ends(before.text or ""),
                facts=facts,
            )
            for before, turn in pairwise([Turn(Role.user, ""), *self.spoken])
            if turn.role is Role.assistant and turn.text is not None
        ]
