"""The main job: personas to characters to in-character training data.

Reads    what personas and instructions read
Writes   runs/<run>/{personas,profiles,instructions,rewrite,generate}, and mix with synth.mix=true
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=synth run=demo 'synth.methods=[rewrite,generate]'
"""

from pathlib import Path

from opencharacter.config import METHODS, Config
from opencharacter.job import Job
from opencharacter.job.summary import print_summary
from opencharacter.mix.ahead import check_asked, check_possible
from opencharacter.records import Instruction, Method, Split
from opencharacter.sources.instructions import open_instructions
from opencharacter.stages import generate, instructions, mix, personas, profiles, rewrite
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder
from opencharacter.synth.assign import check_enough


def check(config: Config) -> None:
    """Check what the stages and the mixture ask for, before the first of them starts.

    Raises:
        OpenCharacterError: what one of them would say later.
    """
    personas.check(config)
    instructions.check(config)
    profiles.check(config)
    if Method.rewrite in config.synth.methods:
        rewrite.check(config)
    if Method.generate in config.synth.methods:
        generate.check(config)
    if config.makes_mixture or config.slurm.submit:  # on SLURM the mixture always follows
        mix.check(config)
        sources = [source.name for source in open_instructions(config.instructions.paths)]
        n = config.synth.n_characters
        check_asked(config.mix, n_characters=n, sources=sources, methods=_methods(config))


def run(config: Config, job: Job) -> None:
    """Do all synthesis stages in turn, with one engine, and show what came out."""
    make(config, job)
    if config.synth.mix:
        mix.run(config, job)
    print_summary(job)


def make(config: Config, job: Job) -> None:
    """Do all synthesis stages but the mixture."""
    n = config.synth.n_characters
    personas.run(config, job)
    instructions.run(config, job)
    splits = read_columns(part_files(job.folder("personas").data), ["split"])
    trained = sum(split == Split.train for (split,) in splits)
    check_enough(trained, n=n)
    check_enough(trained, n=config.synth.pool or 0, what="synth.pool")
    if config.makes_mixture:
        asked = read_records(job.folder("instructions").data, Instruction)
        check_possible(asked, config.mix, n_characters=n, methods=_methods(config))
    profiles.run(config, job)
    if Method.rewrite in config.synth.methods:
        rewrite.run(config, job)
    if Method.generate in config.synth.methods:
        generate.run(config, job)


def _methods(config: Config) -> set[str]:
    """Return the methods of which there will be responses, those of earlier commands too."""
    run_dir = Path(config.runs_dir) / config.run
    folders = [StageFolder(run_dir=run_dir, stage=str(method)) for method in METHODS]
    made = {folder.stage for folder in folders if folder.started_file.exists()}
    return {*config.synth.methods, *made}
