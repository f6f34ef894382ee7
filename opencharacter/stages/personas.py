"""Read personas: a deterministic sample, exact duplicates removed, a held-out share split off.

Reads    personas.path: the embedded list, a file or folder (Persona Hub's layouts), or the hub
Writes   runs/<run>/personas: Persona
Costs    one or two passes over the source, constant memory
Run      python -m opencharacter stage=personas run=main personas=file personas.path=FILE
"""

from collections.abc import Iterator
from dataclasses import replace

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.records import Persona, Rejection
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.personas import open_personas, read_personas
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import Tally


def check(config: Config) -> None:
    """Check that there is such a source.

    Raises:
        SourceError: there is none.
    """
    open_personas(config.personas)


def run(config: Config, job: Job) -> None:
    """Write the personas of the run."""
    settings = config.personas
    source = source_fingerprint(settings.path, settings.revision)
    with job.stage("personas", settings=[settings], sources={settings.path: source}) as stage:
        tally = Tally()

        def rows() -> Iterator[Persona | Rejection]:  # a finished stage asks no hub
            path = pinned(settings.path, settings.revision, tally.read_from)
            yield from read_personas(replace(settings, path=path), seed=config.seed, tally=tally)

        stage.stream(Persona, rows(), tally, what="Personas: one line each.", unit="rows")
