"""Submitting a command to SLURM: the jobs it becomes, each after what it reads.

A stage that asks a model becomes a job array whose tasks claim parts; the others become one job.
The composite `synth` becomes a chain of its stages, so that no GPU waits for personas to be read.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Config
from opencharacter.errors import ConfigError
from opencharacter.synth.planning import runs_on_gpus

_ASKS_MODEL = ("profiles", "rewrite", "generate")
_OURS = ("stage=", "run=", "slurm=", "slurm.", "dry_run=")
_PACKAGE = Path(__file__).parents[1]


class SlurmJob(NamedTuple):
    """One job of a chain."""

    stage: str
    after: tuple[str, ...] = ()
    """Stages whose jobs must have succeeded."""


def jobs_of(config: Config) -> list[SlurmJob]:
    """Return the jobs that a command becomes, in the order in which they are submitted."""
    if config.stage != "synth":
        return [SlurmJob(config.stage)]
    methods = [str(method) for method in config.synth.methods]
    return [
        SlurmJob("personas"),
        SlurmJob("instructions"),
        SlurmJob("profiles", ("personas",)),
        *(SlurmJob(method, ("profiles", "instructions")) for method in methods),
        SlurmJob("mix", tuple(methods)),
    ]


def submit(config: Config, command: str) -> None:
    """Submit a command, or with `dry_run` print what would be submitted.

    Raises:
        ConfigError: the command is none for SLURM, there is no SLURM here, or it refuses a job.
    """
    _refuse(config)
    logs = Path(config.runs_dir) / config.run / "logs"
    if not config.dry_run and shutil.which("sbatch") is None:
        raise ConfigError(
            "there is no sbatch on this machine; submit from a login node of a SLURM cluster, or "
            "see what would be submitted with dry_run=true"
        )
    ids: dict[str, str] = {}
    for job in jobs_of(config):
        words = sbatch_words(config, job, command=command, logs=logs, ids=ids)
        if config.dry_run:
            ids[job.stage] = f"<{job.stage}>"
            sys.stdout.write(f"{shlex.join(words)}\n")
            continue
        logs.mkdir(parents=True, exist_ok=True)
        ids[job.stage] = _sbatch(words)
        sys.stdout.write(f"{job.stage}: job {ids[job.stage]}\n")
    if not config.dry_run:
        sys.stdout.write(
            f"Logs: {logs}\nHow it is getting on: python -m opencharacter stage=status "
            f"run={shlex.quote(config.run)}\n"
        )


def sbatch_words(
    config: Config, job: SlurmJob, *, command: str, logs: Path, ids: Mapping[str, str]
) -> list[str]:
    """Return the command that submits one job.

    Args:
        config: The whole run.
        job: Which of its jobs.
        command: As typed: `python -m opencharacter ...`.
        logs: Folder for what the tasks print.
        ids: SLURM's ids of the jobs submitted before, by stage.
    """
    settings = config.slurm
    after = ":".join(ids[stage] for stage in job.after)
    asks_model = job.stage in _ASKS_MODEL
    options = {
        "--job-name": f"{config.run}-{job.stage}",
        "--output": f"{logs}/%x-{'%A_%a' if asks_model else '%j'}.out",
        "--cpus-per-task": settings.cpus,
        "--time": settings.time,
        "--array": f"0-{settings.array - 1}" if asks_model else None,
        "--gpus-per-node": _gpus(config, job.stage) or None,
        "--mem": f"{settings.memory_gib}G" if settings.memory_gib else None,
        "--partition": settings.partition,
        "--account": settings.account,
        "--qos": settings.qos,
        "--dependency": f"afterok:{after}" if after else None,
        "--kill-on-invalid-dep": "yes" if after else None,
    }
    words = [word for word in shlex.split(command)[3:] if not word.startswith(_OURS)]
    return [
        "sbatch",
        "--parsable",
        *(f"{name}={value}" for name, value in options.items() if value is not None),
        *settings.sbatch,
        str(batch_file()),
        f"stage={job.stage}",
        f"run={config.run}",
        *words,
        "slurm.submit=false",  # whatever a file of settings says: a job must not submit the next
    ]


def _refuse(config: Config) -> None:
    """Raise for a command that would go wrong in a job."""
    if config.force:
        raise ConfigError(
            "force=true with slurm=: every task, and every task that is requeued, would start the "
            f"stage over; take another run=, or remove {config.runs_dir}/{config.run}/<stage> first"
        )
    if config.preview or config.stage == "status":
        asked = "preview=" if config.preview else "stage=status"
        raise ConfigError(f"{asked} is for you to read; give the command without slurm=")


def batch_file() -> Path:
    """Return the batch file: the packaged one, or the repository's in a checkout."""
    packaged = _PACKAGE / "slurm" / "synth.sbatch"
    return packaged if packaged.is_file() else _PACKAGE.parent / "slurm" / "synth.sbatch"


def _gpus(config: Config, stage: str) -> int:
    if stage not in _ASKS_MODEL:
        return config.slurm.mix_gpus if stage == "mix" else 0
    if config.slurm.gpus is not None:
        return config.slurm.gpus
    is_on_gpus = runs_on_gpus(config.teacher)
    return config.teacher.tensor_parallel * config.teacher.data_parallel if is_on_gpus else 0


def _sbatch(words: Sequence[str]) -> str:
    """Submit, and return the job's id."""
    environment = {"OPENCHARACTER_PYTHON": sys.executable} | os.environ
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise ConfigError(f"SLURM refused the job: {done.stderr.strip()}; asked: {words}")
    return done.stdout.strip().partition(";")[0]
