"""Submitting a command to SLURM: the jobs it becomes, each after what it reads.

A stage that asks a model becomes a job array whose tasks claim parts; a training becomes one job of
a task for each GPU; the others become one job. A composite becomes a chain of its stages, so that
no GPU waits for personas to be read.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Config, ModelConfig, UserTurns
from opencharacter.errors import ConfigError
from opencharacter.job.losses import measures_loss
from opencharacter.store.commands import plain
from opencharacter.synth.planning import runs_on_gpus
from opencharacter.train.launch import GRACE

_ASKS_MODEL = ("profiles", "rewrite", "generate", "play", "loss", "judge", "qualify")
_OURS = ("stage=", "run=", "slurm=", "slurm.", "dry_run=")
_PACKAGE = Path(__file__).parents[1]
GPUS_OF_A_NODE = 8
"""Unless slurm.train_gpus says otherwise."""


class SlurmJob(NamedTuple):
    """One job of a chain."""

    stage: str
    after: tuple[str, ...] = ()
    """Stages whose jobs must have succeeded."""


def jobs_of(config: Config) -> list[SlurmJob]:
    """Return the jobs that a command becomes, in the order in which they are submitted."""
    chain = {"synth": _data_jobs, "all": _all_jobs, "eval": _eval_jobs}.get(config.stage)
    return chain(config) if chain else [SlurmJob(config.stage)]


def _all_jobs(config: Config) -> list[SlurmJob]:
    """Return the jobs of data and model, and of its test where that follows."""
    model = [SlurmJob("tokenize", ("mix",)), SlurmJob("train", ("tokenize",))]
    tested = _tests(config, ("train",)) if config.play.follows else []
    return [*_data_jobs(config), *model, *tested]


def _eval_jobs(config: Config) -> list[SlurmJob]:
    return _tests(config, ())


def _tests(config: Config, after: tuple[str, ...]) -> list[SlurmJob]:
    jobs = [SlurmJob("play", after), SlurmJob("judge", ("play",))]
    if not measures_loss(config):
        return [*jobs, SlurmJob("report", ("judge",))]
    return [*jobs, SlurmJob("loss", after), SlurmJob("report", ("judge", "loss"))]


def _data_jobs(config: Config) -> list[SlurmJob]:
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
            f"Logs: {logs}\nHow it is getting on: "
            f"{plain(Path(config.runs_dir) / config.run, 'status')}\n"
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
    asks_model, trains = job.stage in _ASKS_MODEL, job.stage == "train"
    gpus = _gpus(config, job.stage)
    options = {
        "--job-name": f"{config.run}-{job.stage}",
        "--output": f"{logs}/%x-{'%A_%a' if asks_model else '%j'}.out",
        "--nodes": settings.train_nodes if trains else None,
        "--ntasks-per-node": max(gpus, 1) if trains else None,
        "--cpus-per-task": settings.cpus,
        "--time": settings.train_time if trains else settings.time,
        "--array": f"0-{settings.array - 1}" if asks_model else None,
        "--gpus-per-node": gpus or None,
        "--mem": f"{settings.memory_gib}G" if settings.memory_gib else None,
        "--partition": settings.partition,
        "--account": settings.account,
        "--qos": settings.qos,
        "--dependency": f"afterok:{after}" if after else None,
        "--kill-on-invalid-dep": "yes" if after else None,
    }
    words = [word for word in shlex.split(command)[3:] if not word.startswith(_OURS)]
    # What the command waits for is its first jobs' business: the last one given would win.
    given = [word for word in settings.sbatch if not (after and word.startswith("--dependency="))]
    return [
        "sbatch",
        "--parsable",
        *(f"{name}={value}" for name, value in options.items() if value is not None),
        *given,
        str(batch_file(job.stage)),
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
    if config.train.check:
        raise ConfigError("train.check=true is for you to read; give the command without slurm=")
    if config.preview or config.stage == "status":
        asked = "preview=" if config.preview else "stage=status"
        raise ConfigError(f"{asked} is for you to read; give the command without slurm=")


def batch_file(stage: str) -> Path:
    """Return the batch file of a stage: the packaged one, or the repository's in a checkout."""
    name = "train.sbatch" if stage == "train" else "synth.sbatch"
    packaged = _PACKAGE / "slurm" / name
    return packaged if packaged.is_file() else _PACKAGE.parent / "slurm" / name


def train_world(config: Config) -> int:
    """Return the ranks of a training on SLURM: one for each GPU, or for each node without any."""
    return config.slurm.train_nodes * max(_gpus(config, "train"), 1)


def _gpus(config: Config, stage: str) -> int:
    if stage == "train":
        given = config.slurm.train_gpus
        is_small = config.train.model.startswith("embedded")
        return (0 if is_small else GPUS_OF_A_NODE) if given is None else given
    if stage not in _ASKS_MODEL:
        return config.slurm.mix_gpus if stage == "mix" else 0
    if config.slurm.gpus is not None:
        return config.slurm.gpus
    needed = [m.tensor_parallel * m.data_parallel for m in _asked(config, stage) if runs_on_gpus(m)]
    return max(needed, default=0)  # a jury sits one after another, and two who talk share a device


def _asked(config: Config, stage: str) -> list[ModelConfig]:
    """Return the models that a task of a stage asks."""
    if stage in ("judge", "qualify"):
        return list(config.judge.members.values())
    if stage not in ("play", "loss"):
        return [config.teacher]
    talks = stage == "play" and config.suite.user is UserTurns.model
    return [config.player, *[config.user][:talks]]


def _sbatch(words: Sequence[str]) -> str:
    """Submit, and return the job's id."""
    environment = {"OPENCHARACTER_PYTHON": sys.executable} | os.environ
    if asked := re.search(r"--signal=\S*@(\d+)", " ".join(words)):
        environment[GRACE] = asked[1]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise ConfigError(f"SLURM refused the job: {done.stderr.strip()}; asked: {words}")
    return done.stdout.strip().partition(";")[0]
