"""What `rewrite` and `generate` share: the work, who meets what, and the record that comes out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import LLMStageConfig, SynthConfig
from opencharacter.ids import part_of, shuffled
from opencharacter.llm.requests import Model, Session
from opencharacter.llm.work import Plan
from opencharacter.records import Character, Instruction, Message, Method, Response, Split
from opencharacter.store.claims import Part
from opencharacter.store.rows import part_files, read_columns
from opencharacter.synth.asking import Asker
from opencharacter.synth.assign import assign_characters, check_enough
from opencharacter.synth.checking import Checker


class Task(NamedTuple):
    """One character meets one instruction."""

    character: Character
    instruction: Instruction
    draw: int

    @property
    def key(self) -> str:
        """The key of this work: `instruction id/character id`."""
        return f"{self.instruction.id}/{self.character.id}"


KEY_COLUMNS = ("instruction_id", "character_id")
"""Columns of a response that make up `Task.key`."""


def who_answers(config: SynthConfig) -> dict[str, str]:
    """Return what decides who answers what, as a stage writes it down."""
    pool = {} if config.pool is None else {"pool": str(config.pool)}
    return {"n_characters": str(config.n_characters), **pool}


def meetings(
    characters: Iterable[Character],
    instructions: Sequence[Instruction],
    config: SynthConfig,
    *,
    seed: int,
) -> list[Task]:
    """Return who answers what, ordered by character so that neighbours share prompt prefixes.

    Held-out characters are left out: nothing of theirs may reach a mixture. Every instruction meets
    the same characters whatever the method, so rewriting and generating can be compared.

    Args:
        characters: All characters of the run.
        instructions: All instructions of the run.
        config: How many characters answer, and how many of them each instruction.
        seed: The run's.

    Raises:
        ConfigError: there are fewer characters than that.
    """
    by_id = {c.id: c for c in characters if c.split is Split.train}
    if config.pool is not None:
        check_enough(len(by_id), n=config.pool, what="synth.pool")
        by_id = {id_: by_id[id_] for id_ in shuffled(by_id, "pool", seed)[: config.pool]}
    instruction_of = {instruction.id: instruction for instruction in instructions}
    by_source: dict[str, list[str]] = {}
    for instruction in instructions:
        by_source.setdefault(instruction.source, []).append(instruction.id)
    pairs = assign_characters(by_source, list(by_id), n=config.n_characters, seed=seed)
    tasks = [Task(by_id[p.character_id], instruction_of[p.instruction_id], p.draw) for p in pairs]
    return sorted(tasks, key=lambda task: (task.character.id, task.instruction.id))


def count_marks(data: Path) -> dict[str, int]:
    """Return how many responses of a stage's whole parts have each mark."""
    counts = Counter(
        mark for (marks,) in read_columns(part_files(data), ["marks"]) for mark in marks
    )
    return {f"marked {mark}": count for mark, count in counts.most_common()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a stage asks: the same for all of its tasks."""

    stage: str
    seed: int
    settings: LLMStageConfig
    model: Model

    def asker(self, key: str, record_id: str) -> Asker[Any]:
        """Return an asker for one piece of work."""
        return Asker(
            key=key,
            record_id=record_id,
            stage=self.stage,
            seed=self.seed,
            sampling=self.settings.sampling,
            retries=self.settings.retries,
            model=self.model.name,
            engine=self.model.engine,
        )


def response_plan(
    tasks: Sequence[Task], start: Callable[[Task], Session[Response]]
) -> Plan[Response]:
    """Return the work of a response stage; a character's tasks are never split over parts."""

    @cache
    def tasks_by_part(of: int) -> dict[int, list[Task]]:
        found: dict[int, list[Task]] = {}
        for task in tasks:
            found.setdefault(part_of(task.character.id, of), []).append(task)
        return found

    def sessions(part: Part) -> Iterator[tuple[str, Session[Response]]]:
        for task in tasks_by_part(part.of).get(part.number, ()):
            yield task.key, start(task)

    return Plan(
        keys=lambda: (task.key for task in tasks),
        sessions=sessions,
        key_columns=KEY_COLUMNS,
        record_type=Response,
    )


def response(
    checker: Checker,
    instruction: Instruction,
    asker: Asker[Any],
    *,
    method: Method,
    draw: int,
    messages: Sequence[Message],
) -> Response:
    """Return the record of a finished dialogue of the checker's character."""
    character = checker.character
    licences = sorted({character.licence, instruction.licence})
    return Response(
        character_id=character.id,
        instruction_id=instruction.id,
        method=method,
        source=instruction.source,
        draw=draw,
        licence=" + ".join(licences),
        messages=tuple(messages),
        finish_reasons=tuple(asker.finishes),
        marks=checker.marks(messages, instruction.references),
        call=asker.calls[0],
        usage=asker.usage,
    )
