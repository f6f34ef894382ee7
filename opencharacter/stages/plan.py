"""What a run will cost: calls, tokens, GPU hours, money and disk, before it is started.

Reads    the configuration, and sources on this machine to count them, where it does not say how
         many rows are drawn; with plan.pilot=50 also the run <run>-pilot, which it makes first
Writes   runs/<run>/plan/plan.json: the manifests of the run's stages then tell planned and measured
Costs    a reading of the sources, or the pilot
Run      python -m opencharacter stage=plan run=big experiment=paper/opencharacter_g plan.pilot=50
"""

import shlex
from dataclasses import asdict, replace

from opencharacter.config import Config, planned_settings
from opencharacter.job import Job
from opencharacter.job.judge_plans import print_judging
from opencharacter.job.plans import (
    only_evaluates,
    print_measured,
    print_plan,
    refuse_other_settings,
)
from opencharacter.records import Instruction, Persona
from opencharacter.sources.instructions import read_instructions
from opencharacter.sources.personas import read_personas
from opencharacter.sources.rows import Tally, is_soon_read
from opencharacter.stages import synth
from opencharacter.store.commands import assigned
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder
from opencharacter.synth.planning import Each, assumed, costs, measured, records_of


def check(config: Config) -> None:
    """Check what the pilot can know, if there is one.

    Raises:
        OpenCharacterError: what one of its stages would say later.
    """
    if config.plan.pilot:
        synth.check(_pilot(config))


def run(config: Config, job: Job) -> None:
    """Print what the run will cost, and what it took as far as it is finished; keep the plan.

    Raises:
        ConfigError: nobody says how many records there are.
        StoreError: the run was started with other settings.
    """
    if only_evaluates(config, job):
        print_judging(config, job)
        return
    refuse_other_settings(config, job)
    counted = _counted(config)
    each, answered = assumed(config), config.plan.assume.answered
    records_of(counted, answered=answered)  # what is not known is told before the pilot is paid
    if config.plan.pilot:
        pilot = _pilot(config)
        command = _pilot_command(job.command, pilot)
        with Job(pilot, command=command, stopping=job.stopping) as pilot_job:
            synth.make(pilot, pilot_job)
            found = {str(m): pilot_job.folder(str(m)) for m in ("profiles", *pilot.synth.methods)}
        each |= {stage: _measured(folder) for stage, folder in found.items()}
        answered = _answered(found, answered)
    planned = costs(records_of(counted, answered=answered), each, config)
    plain = {stage: asdict(cost) for stage, cost in planned.items()}
    write_json(
        job.folder("plan").path / "plan.json",
        {
            "stages": plain,
            "of_each": {stage: one._asdict() for stage, one in each.items()},
            "assumptions": asdict(config.plan),
            "settings": planned_settings(config),
        },
    )
    print_plan(planned, config)
    print_judging(config, job)
    done = [manifest for stage in planned if (manifest := job.folder(stage).manifest())]
    print_measured(plain | {m["stage"]: m["planned"] for m in done if "planned" in m}, done)


def _counted(config: Config) -> Config:
    """Return the configuration with the rows of sources on this machine counted.

    A source may have fewer than it is asked for.
    """
    personas, instructions = config.personas, config.instructions
    if config.plan.assume.personas is None and is_soon_read(personas.path):
        rows = read_personas(personas, seed=config.seed, tally=Tally())
        personas = replace(personas, n=sum(isinstance(row, Persona) for row in rows))
    if config.plan.assume.instructions is None and all(map(is_soon_read, instructions.paths)):
        found = read_instructions(instructions, seed=config.seed, tally=Tally())
        instructions = replace(instructions, n=sum(isinstance(row, Instruction) for row in found))
    return replace(config, personas=personas, instructions=instructions)


def _pilot(config: Config) -> Config:
    """Return the same run in small: every persona is met, so that prefixes are shared as later."""
    n = config.plan.pilot
    return replace(
        config,
        stage="synth",
        run=f"{config.run}-pilot",
        personas=replace(config.personas, n=n * config.synth.n_characters, heldout=0.0),
        instructions=replace(config.instructions, n=n),
        synth=replace(config.synth, mix=False, pool=None),
    )


def _pilot_command(command: str, pilot: Config) -> str:
    """Return the command that makes the pilot alone, given that of the plan."""
    own = {
        "personas.n": pilot.personas.n,
        "personas.heldout": pilot.personas.heldout,
        "instructions.n": pilot.instructions.n,
    }
    other = (*(f"{name}=" for name in own), "run=", "stage=", "force=", "synth.mix=", "plan.")
    words = [word for word in shlex.split(command) if not word.startswith(other)]
    drawn = [f"{name}={value}" for name, value in own.items()]
    run = assigned("run", pilot.run)
    return shlex.join([*words[:3], "stage=synth", *words[3:], *drawn, run])


def _measured(folder: StageFolder) -> Each:
    size = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    return measured(folder.manifest() or {}, size)


def _answered(found: dict[str, StageFolder], otherwise: float) -> float:
    """Return the share of instructions that could be rewritten."""
    if "rewrite" not in found or "generate" not in found:
        return otherwise
    counts = [(found[stage].manifest() or {})["counts"] for stage in ("rewrite", "generate")]
    rewritten, generated = (int(count["in"]) for count in counts)
    return rewritten / max(1, generated)
