"""The characters of a run, and which of them a model was trained on: read from its mixture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError, StoreError
from opencharacter.ids import shuffled
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, Domain, Split
from opencharacter.sources.near import WordSets
from opencharacter.store.holdout import shown_of
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

_NEAR = 0.8  # share of words; the default of personas.near_threshold
HELD = "held_out_characters"
"""Figure of a suite: characters of the mixture that its training held out."""
_NAMED = 3  # of those whose names an error tells


@dataclass(frozen=True, kw_only=True)
class People:
    """The characters of one run."""

    run_dir: Path
    also_trained: tuple[Path, ...] = ()
    """Runs that trained the model under test, where there are others than this one."""
    knows_all: bool = True
    """Whether there is no other that trained it: else nobody is known to be out of domain."""

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

    @cached_property
    def held(self) -> frozenset[str]:
        """Ids of the characters of the mixture that the training of this run held out.

        They chose its step, and it was not trained on them: in domain they are not, and of a
        mixture's characters nobody is out of domain.
        """
        shown = shown_of(self.run_dir)
        return shown.held if shown else frozenset()

    @property
    def has_mixture(self) -> bool:
        """Whether it is known what was trained on."""
        return self.folder("mix").manifest_file.exists()

    def domain_of(self, character: Character, instruction: str = "") -> Domain:
        """Say whether the model met a character, or a near-duplicate of it, in training.

        Those that a training held out of its mixture are unknown too: they chose its step.
        Those of the mixture here that a model of another run's mixture has not met there are
        unknown: that model may have been trained on from one of this run.

        Args:
            character: Of this run.
            instruction: Id of what it is asked; met by the character, it is not in domain.
        """
        runs = self._others or [self]
        if not all(run.has_mixture for run in (self, *runs)):
            return Domain.unknown
        if met := [r.met[character.id] for r in runs if character.id in r.met.keys() - r.held]:
            is_new = instruction not in set().union(*met) and (self.knows_all or not instruction)
            return Domain.inside if is_new else Domain.unknown
        seen = self.met.keys() | self._near_others
        is_near = character.cluster in self._trained_clusters or character.id in seen
        return Domain.unknown if is_near or not self.knows_all else Domain.outside

    def trained(self) -> list[Character]:
        """Return the characters of the mixture, without those that the training held out.

        Raises:
            StoreError: the mixture has a character that no profile is known of.
        """
        return [character for character in self.mixed() if character.id not in self.held]

    def mixed(self) -> list[Character]:
        """Return all characters of the mixture.

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
        near = self._near([*self.mixed(), *self._others_trained], heldout)
        seen = [
            c
            for c in heldout
            if c.id in self.met or c.cluster in self._trained_clusters or c.id in near
        ]
        if seen:
            names = ", ".join(f"{c.name} ({c.persona[:60]!r})" for c in seen[:_NAMED])
            more = f" and {len(seen) - _NAMED} more" * (len(seen) > _NAMED)
            raise StoreError(
                f"{len(seen):,} held-out characters, or near-duplicates of them, are in the "
                f"mixture {' or '.join(str(path) for path in self._mixtures)}: {names}{more}; make "
                "the mixture again, they are not out of domain"
            )
        return sorted(heldout, key=lambda c: c.id)

    @cached_property
    def _others(self) -> list["People"]:
        return [People(run_dir=run_dir) for run_dir in self.also_trained]

    @cached_property
    def _others_trained(self) -> list[Character]:
        return list(chain.from_iterable(other.mixed() for other in self._others))

    @cached_property
    def _near_others(self) -> set[str]:
        """Ids of the characters here that are, or are near, one that other runs trained on."""
        return self._near(self._others_trained, list(self.characters.values()))

    def _near(self, trained: Sequence[Character], asked: Sequence[Character]) -> set[str]:
        """Return whose personas share so many words with a trained one, whatever clusters say."""
        near = self._near_texts([c.persona for c in trained], [c.persona for c in asked])
        return {asked[number].id for number in near}

    def _near_texts(self, trained: Sequence[str], asked: Sequence[str]) -> set[int]:
        """Return the numbers of the personas that share so many words with a trained one.

        Clusters have other names in other runs; words are the same.
        """
        words = WordSets()
        for persona in (*trained, *asked):
            words.add(persona)
        started = self.folder("personas").started() or {"settings": {}}
        settings = started["settings"].get("personas", {})
        threshold = settings.get("near_threshold", _NEAR)
        pairs = words.near_pairs(np.arange(len(words), dtype=np.int64), threshold)
        n = len(trained)
        return {later - n for earlier, later in pairs.each() if earlier < n <= later}

    def unmet(self, personas: Sequence[str]) -> set[str]:
        """Return the personas that are out of domain: the model met nobody near them in training.

        Args:
            personas: Of nobody in particular, such as those of a benchmark.

        Returns:
            None of them where it is not known what the model was trained on.
        """
        runs = self._others
        is_known = all(run.has_mixture and run.met.keys() <= run.characters.keys() for run in runs)
        if not runs or not self.knows_all or not is_known:
            return set()
        trained = [character.persona for character in self._others_trained]
        near = runs[0]._near_texts(trained, personas)
        return {persona for number, persona in enumerate(personas) if number not in near}

    @property
    def _mixtures(self) -> list[Path]:
        others = [run for run in self.also_trained if run.resolve() != self.run_dir.resolve()]
        return [run_dir / "mix" for run_dir in (self.run_dir, *others)]

    @cached_property
    def _trained_clusters(self) -> set[str]:
        return {self.characters[id_].cluster for id_ in self.met if id_ in self.characters}


def held_told(people: People, *, is_asked: bool) -> dict[str, float | None]:
    """Return how many characters the training held out, as a suite tells it of itself.

    Args:
        people: Of the run.
        is_asked: Whether the suite asks characters of the mixture.
    """
    return {HELD: float(len(people.held))} if is_asked and people.held else {}


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
