"""Turn personas into characters: one model call each, to a profile of eight fields.

Reads    runs/<run>/personas
Writes   runs/<run>/profiles: Character
Costs    about 250 prompt and 250 output tokens a persona
Run      python -m opencharacter stage=profiles run=main llm@teacher=llama3_70b_instruct
"""

from collections.abc import Iterator
from pathlib import Path

from opencharacter.config import Config
from opencharacter.ids import digest, part_of
from opencharacter.job import Job
from opencharacter.job.ahead import check_teacher
from opencharacter.llm.opening import model_name
from opencharacter.llm.requests import Session
from opencharacter.llm.work import Plan
from opencharacter.prompts.profile import PROFILE_VERSION
from opencharacter.records import Character, Persona
from opencharacter.store.claims import Part
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.synth.names import NOBODY, commonest, excluded_names, name_hints
from opencharacter.synth.profiles import write_profile
from opencharacter.synth.responses import Asking


def check(config: Config) -> None:
    """Check the names that are excluded and those that are offered, and that there is a teacher.

    Raises:
        ConfigError: the excluded names cannot be read, or too few are left to offer.
        ModelError: there is no such teacher.
    """
    settings = config.profiles
    excluded = excluded_names(settings.exclude_names, settings.exclude_names_path)
    name_hints("", settings.name_hints, seed=config.seed, excluded=excluded)
    check_teacher(config, "profiles")


def run(config: Config, job: Job) -> None:
    """Write a character for every persona, held-out ones included."""
    settings = config.profiles
    personas = job.folder("personas").data
    versions = {"model": model_name(config.teacher), "prompt": PROFILE_VERSION}
    excluded = excluded_names(settings.exclude_names, settings.exclude_names_path)
    if excluded != NOBODY:
        versions["excluded_names"] = digest(sorted(excluded.words), sorted(excluded.full))[:12]
    with job.stage(
        "profiles", settings=[settings, config.teacher], versions=versions, reads=["personas"]
    ) as stage:

        def sessions(part: Part) -> Iterator[tuple[str, Session[Character]]]:
            model = job.model(config.teacher)
            asking = Asking(stage="profiles", seed=config.seed, settings=settings, model=model)
            mine = read_records(
                personas, Persona, keep=lambda id_: part_of(id_, part.of) == part.number
            )
            for persona in mine:
                asker = asking.asker(persona.id, persona.id)
                hints = name_hints(
                    persona.id, settings.name_hints, seed=config.seed, excluded=excluded
                )
                profile = write_profile(
                    persona, asker, as_json=settings.as_json, name_hints=hints, excluded=excluded
                )
                yield persona.id, profile

        plan = Plan(
            keys=lambda: (row[0] for row in read_columns(part_files(personas), ["id"])),
            sessions=sessions,
            key_columns=("persona_id",),
            record_type=Character,
        )
        stage.work(
            plan,
            lambda: job.model(config.teacher),
            what="Characters: personas filled out into profiles of eight fields.",
            max_rejected=settings.max_rejected,
            notes=lambda: _name_notes(job.folder("profiles").data),
        )


def _name_notes(characters: Path) -> dict[str, int]:
    """Count the commonest of names that repeat: a teacher left alone may give many the same few."""
    report = commonest((row[0] for row in read_columns(part_files(characters), ["name"])), 3)
    notes = {"different full names": report.distinct}
    notes |= {f"full name {name.name}": name.times for name in report.full if name.times > 1}
    repeated = (name for name in report.first if name.times > 1)
    return notes | {f"first name {name.name}": name.times for name in repeated}
