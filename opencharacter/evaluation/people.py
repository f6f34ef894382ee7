"""The characters of a run, and which of them a model was trained on: read from its mixture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError, StoreError
from opencharacter.ids import shuffled
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, Domain, Split
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

_NAMED = 3  # of those whose names an error tells


@dataclass(frozen=True, kw_only=True)
class People:
    """The characters of one run."""

    run_dir: Path

    def folder(self, stage: str) -> StageFolder:
        """Return where a stage of that run keeps its files."""
        return StageFolder(run_dir=self.run_dir, stage=stage)

    @cached_property
    def characters(self) -> dict[str, Character]:
        """All of them, by id, held-out ones too."""
        return {c.id: c for c in read_records(self.folder("profiles").data, Character)}

    @cached_property
    def met(self) -> dict[str, set[str]]:
        """Ids of the instructions in the mixture, by the character's id."""
        found: dict[str, set[str]] = {}
        parts = part_files(self.folder("mix").data)
        for character, instruction in read_columns(parts, ["character_id", "instruction_id"]):
            found.setdefault(character, set()).add(instruction)
        found.pop("", None)  # replayed rows have no character
        return found

    @property
    def has_mixture(self) -> bool:
        """Whether it is known what was trained on."""
        return self.folder("mix").manifest_file.exists()

    def domain_of(self, character: Character) -> Domain:
        """Say whether a character, or a near-duplicate of it, is in the mixture."""
        if not self.has_mixture:
            return Domain.unknown
        if character.id in self.met:
            return Domain.inside
        return Domain.unknown if character.cluster in self._trained_clusters else Domain.outside

    def trained(self) -> list[Character]:
        """Return the characters of the mixture.

        Raises:
            StoreError: the mixture has a character that no profile is known of.
        """
        if strangers := sorted(self.met.keys() - self.characters.keys()):
            raise StoreError(
                f"{self.folder('mix').path} has {len(strangers):,} characters that "
                f"{self.folder('profiles').path} does not know, such as {strangers[0]}; make both "
                "again from one another"
            )
        return [self.characters[id_] for id_ in sorted(self.met)]

    def unseen(self) -> list[Character]:
        """Return the held-out characters, after seeing that none of them was trained on.

        Raises:
            StoreError: one of them, or a near-duplicate, is in the mixture; it is named.
            SourceError: no persona was held out.
        """
        heldout = [c for c in self.characters.values() if c.split is Split.heldout]
        if not heldout:
            raise SourceError(
                f"{self.folder('profiles').path} has no held-out character, so nothing is out of "
                "domain; start the run with personas.heldout=0.05 or more"
            )
        seen = [c for c in heldout if c.id in self.met or c.cluster in self._trained_clusters]
        if seen:
            names = ", ".join(f"{c.name} ({c.persona[:60]!r})" for c in seen[:_NAMED])
            more = f" and {len(seen) - _NAMED} more" * (len(seen) > _NAMED)
            raise StoreError(
                f"{len(seen):,} held-out characters, or near-duplicates of them, are in the "
                f"mixture {self.folder('mix').path}: {names}{more}; make the mixture again, they "
                "are not out of domain"
            )
        return sorted(heldout, key=lambda c: c.id)

    @cached_property
    def _trained_clusters(self) -> set[str]:
        return {self.characters[id_].cluster for id_ in self.met if id_ in self.characters}


def draw_people(people: Sequence[Character], config: SuiteConfig) -> list[Character]:
    """Draw `suite.n` characters, so that a smaller draw is part of a larger one.

    Raises:
        SourceError: there are fewer.
    """
    by_id = {character.id: character for character in people}
    order = shuffled(by_id, config.seed, "people")
    if config.n is not None and config.n > len(order):
        raise SourceError(
            f"suite.n={config.n:,} asks for more characters than the {len(order):,} that "
            f"{config.name} has here; lower it, or make more"
        )
    return [by_id[id_] for id_ in order[: config.n]]


def shown_facts(character: Character) -> tuple[str, ...]:
    """Return what is true of a character, `field: value`, a line of the profile each."""
    return tuple(line for line in character.profile.splitlines() if line.strip())


def systems_of(characters: Iterable[Character]) -> Mapping[str, str]:
    """Return the system prompt of each character, by its id."""
    return {character.id: system_prompt(character) for character in characters}
