"""Everything that the report says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from opencharacter.population.archetypes import Archetypes
from opencharacter.population.attributes import Distribution
from opencharacter.population.coverage import Coverage
from opencharacter.population.joints import Joint
from opencharacter.population.texts import Variety


class Speaker(NamedTuple):
    """One character, and how varied its answers are."""

    character_id: str
    name: str
    variety: Variety


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The figures of a population."""

    distributions: Sequence[Distribution]
    joints: Sequence[Joint]
    names: Mapping[str, float | None]
    """Figures of the names, by what they say."""
    archetypes: Mapping[str, Archetypes]
    """By what was grouped; `persona` is what the characters were made from."""
    coverages: Mapping[str, Coverage]
    """By what was to reach the personas."""
    varieties: Mapping[str, Variety]
    """By what was measured."""
    speakers: Sequence[Speaker]
    """Characters with answers."""
    of_two_characters: float | None
    """How alike two answers of two characters are; None = there are no two."""
    lists: Mapping[str, Sequence[tuple[str, int]]]
    """Commonest names and openings, by title."""

    def ranked(self) -> list[tuple[float, Speaker]]:
        """Return the characters with two answers or more, and how alike these are.

        Who repeats itself most comes first.
        """
        found = [(one.variety.alike, one) for one in self.speakers]
        several = [(alike, one) for alike, one in found if alike is not None]
        return sorted(several, key=lambda pair: (-pair[0], pair[1].name, pair[1].character_id))
