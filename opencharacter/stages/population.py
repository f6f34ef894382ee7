"""What the characters of a run are like as a whole: attributes, names, variety; one page.

Reads    runs/<run>/profiles, and runs/<run>/rewrite, generate where they are finished
Writes   runs/<run>/population: report.json and report.html
Costs    seconds for thousands of characters; no model
Run      python -m opencharacter stage=population run=main population.census=census.csv
"""

from collections import defaultdict

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.population import write_report
from opencharacter.population.archetypes import archetypes
from opencharacter.population.attributes import (
    ATTRIBUTES,
    attributes_of,
    distribution,
    read_census,
)
from opencharacter.population.coverage import coverage, space_of
from opencharacter.population.joints import joints
from opencharacter.population.measured import Measured, Speaker
from opencharacter.population.texts import alike, openings, variety
from opencharacter.records import Character, Response, Role
from opencharacter.store.rows import read_records
from opencharacter.store.stage import finished_input
from opencharacter.synth.names import commonest

_TEXTS = ("appearance", "experience", "personality")


def run(config: Config, job: Job) -> None:
    """Measure the characters and what they say; write the report and print its numbers.

    Raises:
        ConfigError: the census cannot be read.
        StoreError: the run has no finished profiles.
    """
    settings = config.population
    census = read_census(settings.census)
    finished_input(job.run_dir, "profiles", run=config.run, typed=job.command)
    characters = list(read_records(job.folder("profiles").data, Character))
    rows = [attributes_of(character) for character in characters]
    texts = {field: [str(getattr(c, field)) for c in characters] for field in _TEXTS}
    spoken: dict[str, list[str]] = defaultdict(list)
    for method in ("rewrite", "generate"):
        if job.folder(method).manifest() is None:
            continue
        for response in read_records(job.folder(method).data, Response):
            answers = [m.content for m in response.messages if m.role is Role.assistant]
            texts.setdefault(f"answers ({method})", []).extend(answers)
            spoken[response.character_id] += answers
    written = {"persona": [c.persona for c in characters]} | {f: texts[f] for f in _TEXTS}
    groups = {
        name: archetypes(found, [c.name for c in characters], top=settings.top)
        for name, found in written.items()
    }
    space = space_of(written["persona"])
    called = {character.id: character.name for character in characters}
    names = commonest((character.name for character in characters), settings.top)
    write_report(
        job.folder("population"),
        Measured(
            distributions=[distribution(a, (r[a] for r in rows), census) for a in ATTRIBUTES],
            joints=joints(rows),
            names={
                "different full names": names.distinct,
                "different first names": names.distinct_first,
                "chance of the same full name": names.same_full,
                "chance of the same first name": names.same_first,
            },
            archetypes={name: found for name, found in groups.items() if found is not None},
            coverages={n: coverage(t, space) for n, t in texts.items() if t} if space else {},
            varieties={name: variety(found) for name, found in texts.items() if found},
            speakers=[Speaker(c, called[c], variety(said)) for c, said in spoken.items()],
            # One of each: who says more shall not count for more. Early and late turns of them.
            of_two_characters=alike(said[i % len(said)] for i, said in enumerate(spoken.values())),
            lists={
                "Commonest full names": [(n.name, n.times) for n in names.full],
                "Commonest first names": [(n.name, n.times) for n in names.first],
                "Experience begins": openings(texts["experience"], settings.top),
                "Personality begins": openings(texts["personality"], settings.top),
            },
        ),
        title=f"{len(characters):,} characters of {config.run}",
    )
