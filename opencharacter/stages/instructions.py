"""Read instructions: Alpaca, LIMA, PH-Instruct, ShareGPT or messages, single- and multi-turn.

Reads    instructions.paths: the embedded list, files or folders, or hub ids
Writes   runs/<run>/instructions: Instruction
Costs    one or two passes over the sources, constant memory
Run      python -m opencharacter stage=instructions run=main 'instructions.paths=[FILE,FILE]'
"""

from collections.abc import Iterator
from dataclasses import replace

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.records import Instruction, Rejection
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.instructions import open_instructions, read_instructions
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import Tally


def check(config: Config) -> None:
    """Check that there are such sources.

    Raises:
        SourceError: one of them is not there, or is named twice.
    """
    open_instructions(config.instructions.paths)


def run(config: Config, job: Job) -> None:
    """Write the instructions of the run."""
    settings = config.instructions
    sources = {path: source_fingerprint(path) for path in settings.paths}
    with job.stage("instructions", settings=[settings], sources=sources) as stage:
        tally = Tally()

        def rows() -> Iterator[Instruction | Rejection]:  # a finished stage asks no hub
            paths = [pinned(path, None, tally.read_from) for path in settings.paths]
            yield from read_instructions(
                replace(settings, paths=paths), seed=config.seed, tally=tally
            )

        what = "Instructions: the user's turns, with the source's answers where it has them."
        stage.stream(Instruction, rows(), tally, what=what, unit="rows")
