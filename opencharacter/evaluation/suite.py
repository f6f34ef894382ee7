"""A suite: items, what of its data could not be used, and how much of it this is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from opencharacter.records import EvalItem, Rejection


class Person(NamedTuple):
    """Whom a control may put in somebody's place."""

    persona_id: str
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is to be played."""

    name: str
    """`name@hash` of its data."""
    items: tuple[EvalItem, ...]
    damaged: tuple[Rejection, ...] = ()
    """Data that cannot be used; each is counted as one piece of work."""
    beside: tuple[Rejection, ...] = ()
    """Files that lie beside the suite's and are none of it: told, and no work."""
    n_personas: int
    """Characters that the suite's data has, drawn or not, damaged ones too."""
    n_drawn: int
    """Characters, or what else `unit` says, that were drawn, damaged ones too."""
    n_lost: int = 0
    """Of them, those that are damaged."""
    unit: str = "characters"
    """What can be damaged alone: `rows` of a test set that has many of one character."""
    about: Mapping[str, float | None] = field(default_factory=dict)
    """Figures about the suite itself, such as what a control without a model gets right."""
    missing: tuple[str, ...] = ()
    """What makes this a part of the suite, a sentence each; empty = all of it."""
    read_from: Mapping[str, str] = field(default_factory=dict)
    """Of data sets on the hub, the commit that was read, by the path that names them."""

    def with_damaged(self, damaged: tuple[Rejection, ...]) -> "Suite":
        """Return the same with data that cannot be used."""
        told = f"{len(damaged):,} rows of its data cannot be used and are left out"
        missing = (*self.missing, told) if damaged else self.missing
        return replace(self, damaged=damaged, missing=missing)

    @property
    def people(self) -> list[Person]:
        """Everybody whose items are here, once, in the order of the items."""
        found = {item.persona_id: Person(item.persona_id, item.system) for item in self.items}
        return list(found.values())


def part_of_people(
    name: str,
    items: Sequence[EvalItem],
    *,
    drawn: int,
    of: int,
    about: Mapping[str, float | None],
) -> Suite:
    """Return a suite about characters of a run, which says how many of them it asks."""
    is_part = drawn < of
    return Suite(
        name=name,
        items=tuple(items),
        n_personas=of,
        n_drawn=drawn,
        about=about,
        missing=(f"{drawn:,} of {of:,} characters are asked",) if is_part else (),
    )
