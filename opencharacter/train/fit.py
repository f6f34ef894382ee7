"""From rows and a model to a trained model: everything a training is made of, put together."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import SFTConfig

from opencharacter.config import TrainConfig
from opencharacter.errors import ConfigError, TrainingError
from opencharacter.train.arguments import sft_arguments, validation_arguments
from opencharacter.train.batches import Batches
from opencharacter.train.callbacks import CountingOn, Report, Reporting, StopAtNan
from opencharacter.train.fillers import fillers
from opencharacter.train.holdout import CHARACTERS, DIALOGUES, FORGETTING, Split
from opencharacter.train.models import Opened, uses_bf16
from opencharacter.train.packing import efficiency, pack
from opencharacter.train.pairtrainer import PairTrainer
from opencharacter.train.performance import Performance, Speed
from opencharacter.train.ranks import PATIENCE
from opencharacter.train.rows import TokenRows
from opencharacter.train.shapes import read_shape
from opencharacter.train.trainer import CharacterTrainer
from opencharacter.train.zero import count, deepspeed_settings

AnyTrainer = CharacterTrainer | PairTrainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """How a training ended."""

    trainer: AnyTrainer
    """Its model is the one that is kept."""
    step: int
    """Optimizer steps of that model."""
    epoch: float
    chosen: str
    """Why it was kept."""
    train_loss: float
    """Mean of the last tenth of the steps, in nats a supervised token."""
    losses: Mapping[str, float | None] = field(default_factory=dict)
    """Of the model that was kept, by kind of what was held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows as packs: what is trained on, and what is measured."""

    rows: TokenRows
    train: list[list[int]]
    validation: dict[str, list[list[int]]]
    """By kind, those that have any."""
    efficiency: float
    """Share of the packs' tokens that dialogues fill."""

    @property
    def fingerprint(self) -> str:
        """Hash of which rows stand together: a training goes on only in the same packs."""
        sizes = np.array([len(pack) for pack in self.train], np.int64)
        numbers = np.fromiter(chain.from_iterable(self.train), np.int64)
        return hashlib.sha256(sizes.tobytes() + numbers.tobytes()).hexdigest()[:12]

    @property
    def metric(self) -> str | None:
        """Name of the loss that decides which checkpoint is kept; None = nothing is held out."""
        found = [kind for kind in (CHARACTERS, DIALOGUES) if kind in self.validation]
        return f"{found[0]}_loss" if found else None


def prepare(rows: TokenRows, split: Split, config: TrainConfig, *, seed: int) -> Prepared:
    """Pack the rows that are trained on and those that are measured.

    Raises:
        TrainingError: nothing is left to train on, or a row is longer than a pack.
    """
    if not split.train:
        raise TrainingError(
            f"of {len(rows.rows):,} rows none is left to train on; lower the shares of "
            "train.holdout"
        )
    most = config.holdout.max_rows
    held = {CHARACTERS: split.characters, DIALOGUES: split.dialogues, FORGETTING: split.forgetting}
    lengths = [rows.rows[n].length for n in split.train]
    train = _packs(rows, split.train, config, seed)
    return Prepared(
        rows=rows,
        train=train,
        validation={k: _packs(rows, n[:most], config, seed) for k, n in held.items() if n},
        efficiency=efficiency(lengths, len(train), config.max_length),
    )


def build_arguments(
    config: TrainConfig,
    batches: Batches,
    folder: Path,
    *,
    steps_per_epoch: int,
    metric: str | None,
    seed: int,
) -> SFTConfig:
    """Build TRL's configuration.

    Args:
        config: Of the training.
        batches: As they were derived.
        folder: Of checkpoints.
        steps_per_epoch: Optimizer steps.
        metric: Loss by which the best checkpoint is known; None = nothing is held out.
        seed: Of the run.

    Raises:
        ConfigError: TRL refuses a value.
    """
    try:
        made = SFTConfig(
            output_dir=str(folder),
            use_cpu=not torch.cuda.is_available(),
            bf16=uses_bf16(config),
            deepspeed=deepspeed_settings(config),
            ddp_find_unused_parameters=False,  # all take part in every step
            ddp_timeout=int(PATIENCE.total_seconds()),
            **sft_arguments(config, batches, seed=seed),
            **validation_arguments(config, steps_per_epoch=steps_per_epoch, metric=metric),
        )
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"TRL refuses the settings of train: {reason}") from error
    if made.n_gpu > 1:  # transformers would put a copy of the model on each, which packs break
        made._n_gpu = 1
    return made


def build_trainer(
    opened: Opened, prepared: Prepared, arguments: SFTConfig, report: Report
) -> AnyTrainer:
    """Put model, rows and settings together.

    Args:
        opened: The model; adapters are in it already.
        prepared: Rows.
        arguments: From `build_arguments`.
        report: Is told each line of metrics, on rank 0.
    """
    is_packed = bool(arguments.packing)
    kind = PairTrainer if opened.model.config.is_encoder_decoder else CharacterTrainer

    def dataset(packs: Sequence[Sequence[int]], device_rows: int) -> Dataset:
        wanting = fillers(len(packs), device_rows, arguments.world_size)
        return prepared.rows.dataset(packs, is_packed=is_packed, fillers=wanting)

    trainer: AnyTrainer = kind(
        model=opened.model,
        args=arguments,
        processing_class=opened.tokenizer,
        train_dataset=dataset(prepared.train, arguments.per_device_train_batch_size),
        n_rows=len(prepared.train),
        eval_dataset={
            kind: dataset(packs, arguments.per_device_eval_batch_size)
            for kind, packs in prepared.validation.items()
        }
        or None,
        callbacks=[StopAtNan()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(CountingOn(trainer))
    trainer.add_callback(Performance(trainer, _speed(trainer), prepared.efficiency))
    trainer.add_callback(Reporting(report))  # the last: it tells what the others add
    return trainer


def fit(trainer: AnyTrainer, metric: str | None, resume: Path | None = None) -> Fitted:
    """Train, and tell which model is kept and why.

    Args:
        trainer: With everything put together.
        metric: Loss by which the best checkpoint is known; None = nothing is held out.
        resume: Whole checkpoint to go on from; None = begin.

    Raises:
        TrainingError: the loss or gradient is no number.
        StoppedError: it was asked to stop, and a step is saved.
    """
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    history: Sequence[Mapping[str, Any]] = trainer.state.log_history
    # The trainer loads the best one if its checkpoint is there: a damaged one has been removed.
    is_best_there = bool(metric and trainer.state.best_model_checkpoint)
    step = trainer.state.best_global_step if is_best_there else trainer.state.global_step
    validated = [line for line in history if metric and f"eval_{metric}" in line]
    losses = [line["loss"] for line in history if "loss" in line]
    last = losses[-max(1, len(losses) // 10) :]
    return Fitted(
        trainer=trainer,
        step=step,
        epoch=next(line["epoch"] for line in history if line["step"] == step),
        chosen=_chosen(metric, step, validated, is_best=is_best_there),
        train_loss=sum(last) / len(last),
        losses={
            kind: _loss_at(history, kind, step) for kind in (CHARACTERS, DIALOGUES, FORGETTING)
        },
    )


def _speed(trainer: AnyTrainer) -> Speed | None:
    """Return where the model's FLOPs go; None = it is of another kind than is known here."""
    model = trainer.model
    try:
        shape = read_shape(model.config.get_text_config().to_dict())
    except KeyError:
        return None
    return Speed(shape, sum(count(w) for w in model.parameters() if w.requires_grad))


def _packs(
    rows: TokenRows, numbers: Sequence[int], config: TrainConfig, seed: int
) -> list[list[int]]:
    if not config.packing:
        return [[n] for n in numbers]
    lengths = [rows.rows[n].length for n in numbers]
    return [[numbers[i] for i in one] for one in pack(lengths, config.max_length, seed=seed)]


def _loss_at(history: Sequence[Mapping[str, Any]], kind: str, step: int) -> float | None:
    found = [line[f"eval_{kind}_loss"] for line in history
             if f"eval_{kind}_loss" in line and line["step"] == step]  # fmt: skip
    return found[-1] if found else None


def _chosen(
    metric: str | None, step: int, validated: Sequence[Mapping[str, Any]], *, is_best: bool
) -> str:
    if metric is None:
        return f"step {step}, the last: nothing is held out that could tell which is best"
    steps = {line["step"]: line[f"eval_{metric}"] for line in validated}
    told = ", ".join(f"{value:.4f} at step {at}" for at, value in sorted(steps.items()))
    kind = metric.removesuffix("_loss")
    if not is_best:
        return (
            f"step {step}, the last: the checkpoint of the best on held-out {kind} is gone ({told})"
        )
    return f"step {step}: the lowest loss on held-out {kind} ({told})"
