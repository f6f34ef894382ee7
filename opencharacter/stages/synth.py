"""The main job: personas to characters to in-character training data.

Reads    what personas and instructions read
Writes   runs/<run>/{personas,profiles,instructions,rewrite,generate}, and mix with synth.mix=true
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=synth run=demo 'synth.methods=[rewrite,generate]'
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.summary import print_summary
from opencharacter.records import Method, Split
from opencharacter.stages import generate, instructions, mix, personas, profiles, rewrite
from opencharacter.store.rows import part_files, read_columns
from opencharacter.synth.assign import check_enough


def run(config: Config, job: Job) -> None:
    """Do all synthesis stages in turn, with one engine."""
    personas.run(config, job)
    instructions.run(config, job)
    splits = read_columns(part_files(job.folder("personas").data), ["split"])
    check_enough(sum(split == Split.train for (split,) in splits), n=config.synth.n_characters)
    profiles.run(config, job)
    if Method.rewrite in config.synth.methods:
        rewrite.run(config, job)
    if Method.generate in config.synth.methods:
        generate.run(config, job)
    if config.synth.mix:
        mix.run(config, job)
    print_summary(job)
