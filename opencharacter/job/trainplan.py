"""`train.check=true`: what a training would be, printed before anything is started."""

import math
import os
import sys
from dataclasses import replace
from pathlib import Path

from opencharacter.config import Config, TrainConfig
from opencharacter.errors import ConfigError
from opencharacter.job import Job
from opencharacter.job.modelcard import METRICS, measured_rate
from opencharacter.job.submit import GPUS_OF_A_NODE
from opencharacter.job.training import clusters
from opencharacter.progress import closing_table, duration
from opencharacter.store.stage import finished_input
from opencharacter.train.base import base_name, base_path
from opencharacter.train.batches import Batches, derive_batches
from opencharacter.train.checkpoints import checkpoint_bytes
from opencharacter.train.estimate import (
    GIB,
    WORLD_SIZES,
    estimate_memory,
    fitting_table,
    host_table,
    strategies,
    trained_weights,
)
from opencharacter.train.fit import build_arguments
from opencharacter.train.holdout import split_rows
from opencharacter.train.launch import GRACE_S, grace_s
from opencharacter.train.lora import check_targets
from opencharacter.train.models import attention_kernel, find_shape, model_outline, uses_bf16
from opencharacter.train.packing import efficiency, pack
from opencharacter.train.rows import check_lengths, read_rows
from opencharacter.train.shapes import ALL, AnyShape, Shape

_Lines = list[tuple[str, str]]


def print_plan(config: Config, job: Job, *, world_size: int) -> None:
    """Check everything that can be known, and print what the training would be.

    Args:
        config: The run.
        job: Nothing of it is started.
        world_size: Devices.

    Raises:
        ConfigError: TRL refuses a value, or the batch does not divide.
        StoreError: the tokens are stale.
        TrainingError: a row does not fit.
    """
    settings = config.train
    batches = derive_batches(settings, world_size)
    alone = replace(settings, deepspeed="none", offload=False)  # it would join a group
    build_arguments(
        alone, batches, Path("unused"), steps_per_epoch=1, metric="characters_loss", seed=0
    )
    lines = _model_lines(config) + _batch_lines(config, batches)
    lines += _row_lines(config, job, batches) + _unchecked_lines(settings)
    print(closing_table(lines, ("", "plan")))
    shape = find_shape(settings)
    if shape is None:
        print(
            f"The shape of {settings.model} is not known here, so no memory is reckoned: it is no "
            "folder, not in the cache of the hub, and the hub was not asked."
        )
    else:
        print(_memory_table(shape, config, world_size))
    print("train.check=true: nothing was started", file=sys.stderr)


def _model_lines(config: Config) -> _Lines:
    settings = config.train
    half = "bfloat16" if uses_bf16(settings) else "float32"
    lines = [
        ("model", f"{base_name(settings)}, {settings.tuning}"),
        ("arithmetic", f"{half}, attention {attention_kernel(settings)}"),
    ]
    if shape := find_shape(settings):
        trained = f"{shape.weights:,} weights"
        if settings.tuning == "lora":
            targets = settings.lora.targets
            where = "every matrix" if tuple(targets) == ALL else ", ".join(targets)
            adapters = trained_weights(shape, settings)
            trained += f", {adapters:,} of adapters at {where} (rank {settings.lora.rank})"
        lines.append(("weights", trained))
        lines.append(("checkpoint", _checkpoint(shape, config)))
    return lines


def _checkpoint(shape: AnyShape, config: Config) -> str:
    """Return how large a checkpoint is, and how fast it must be written when SLURM stops a job."""
    settings = config.train
    is_float = settings.deepspeed == "none" and settings.tuning == "full"
    size = checkpoint_bytes(
        settings,
        parameters=shape.weights,
        trainable=trained_weights(shape, settings),
        weight_bytes=2 if uses_bf16(settings) and not is_float else 4,
    )
    seconds = grace_s(os.environ) or GRACE_S
    told, rate = f"about {size / GIB:,.2f} GiB", size / seconds / 1e6
    if rate < 1:  # any disk can
        return told
    return f"{told}; {rate:,.0f} MB/s write it in the {seconds} s that SLURM gives after its signal"


def _unchecked_lines(settings: TrainConfig) -> _Lines:
    """Check the names of modules; return what could not be looked at.

    Raises:
        ConfigError: adapters are to go where there is nothing.
    """
    unseen = []
    if not Path(base_path(settings)).is_dir():
        unseen.append(f"that {settings.model} is in the hub, which was not asked")
    outline = model_outline(settings)
    if outline is None:
        unseen.append(f"that it is a model for train.objective={settings.objective}")
    if settings.tuning == "lora" and outline is not None:
        check_targets(outline, settings.lora.targets)
    elif settings.tuning == "lora":
        unseen.append(f"that train.lora.targets={settings.lora.targets} name modules of it")
    return [("not checked", "; ".join(unseen))] if unseen else []


def _batch_lines(config: Config, batches: Batches) -> _Lines:
    settings = config.train
    shared = (
        f"{settings.global_tokens:,} tokens = {batches.world_size} device(s) x "
        f"{batches.device_rows} row(s) x {batches.accumulation} times x "
        f"{settings.max_length:,} tokens"
    )
    rate = (
        f"{settings.learning_rate:g}, {settings.schedule} to "
        f"{settings.learning_rate * settings.final_rate:g}, warm-up {settings.warmup:.0%}"
    )
    return [("optimizer step", shared), ("learning rate", rate)]


def _row_lines(config: Config, job: Job, batches: Batches) -> _Lines:
    """Return what the rows say; a hint where they are not made yet."""
    settings = config.train
    folder = job.folder("tokenize")
    if folder.manifest() is None:
        return [("rows", "not known before stage=tokenize is done; so neither are steps nor time")]
    finished_input(job.run_dir, "tokenize", run=config.run)
    rows = read_rows(folder.data)
    if not rows:
        raise ConfigError(f"{folder.data} holds no rows")
    check_lengths(rows, settings.max_length)
    split = split_rows(rows, clusters(job.run_dir), settings.holdout, seed=config.seed)
    lengths = [rows[n].length for n in split.train]
    learned = sum(rows[n].n_supervised for n in split.train)
    n_packs = len(pack(lengths, settings.max_length, seed=0)) if settings.packing else len(lengths)
    tokens, steps = sum(lengths), batches.steps(n_packs)
    filled = efficiency(lengths, n_packs, settings.max_length)
    held = f"{len(split.characters):,} of characters, {len(split.dialogues):,} of dialogues, "
    return [
        (
            "dialogues",
            f"{len(lengths):,} trained on, in {n_packs:,} rows that are {filled:.1%} full",
        ),
        ("held out", f"{held}{len(split.forgetting):,} general"),
        ("tokens", f"{tokens:,} an epoch, {learned:,} of them learned ({learned / tokens:.0%})"),
        ("steps", f"{steps:,} an epoch, {math.ceil(steps * settings.epochs):,} in all"),
        ("time", _time(config, job, tokens, batches)),
    ]


def _time(config: Config, job: Job, tokens: int, batches: Batches) -> str:
    metrics = job.folder("train").path / METRICS
    given = config.train.tokens_per_second
    rate = given or measured_rate(metrics)
    if rate is None:
        return "not known; give train.tokens_per_second, such as the metrics of an earlier run have"
    seconds = tokens * config.train.epochs / (rate * batches.world_size)
    told = f"{duration(seconds)} at {rate:,.0f} tokens a second and device, without validations"
    return told if given else f"{told}; measured: {metrics}"


def _memory_table(shape: AnyShape, config: Config, world_size: int) -> str:
    """Return the memory of one GPU, in parts for what is set and in all for the alternatives."""
    settings, is_half = config.train, uses_bf16(config.train)
    chosen = estimate_memory(
        shape, settings, strategy=settings.deepspeed, world_size=world_size, is_half=is_half
    )
    parts = ", ".join(f"{name} {size / GIB:.1f}" for name, size in chosen._asdict().items())
    headers = ["GiB a GPU (reckoned)", *(f"{size} GPU" for size in WORLD_SIZES)]
    rows = [
        [f"deepspeed={name}", *(f"{gib:,.1f}" for gib in sizes)]
        for name, sizes in fitting_table(shape, settings, is_half=is_half)
    ]
    here = f"Of it with deepspeed={settings.deepspeed} on {world_size}: {parts}"
    return f"{closing_table(rows, headers)}\n{here}\n{_host_table(shape, config)}"


def _host_table(shape: AnyShape, config: Config) -> str:
    """Return the memory that ranks need beside their GPUs, the most of it while they begin."""
    settings, is_half = config.train, uses_bf16(config.train)
    node_gpus = config.slurm.train_gpus or GPUS_OF_A_NODE
    headers = ["GiB a node's CPU (reckoned)", *(f"{size} GPU" for size in WORLD_SIZES)]
    rows = [
        [f"deepspeed={name}", *(f"{gib:,.1f}" for gib in sizes)]
        for name, sizes in host_table(shape, settings, node_gpus=node_gpus, is_half=is_half)
    ]
    told = f"{node_gpus} GPUs a node (slurm.train_gpus), Python and its libraries not counted. "
    told += "Each rank opens the whole model"
    if "zero3" in strategies(settings):
        is_whole = not isinstance(shape, Shape) or shape.is_tied
        told += ", with zero3 too: its embeddings are one matrix" if is_whole else ""
        told += "" if is_whole else ", but with zero3 its share alone"
    return f"{closing_table(rows, headers)}\n{told}."
