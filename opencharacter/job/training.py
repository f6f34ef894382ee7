"""What the train stage does in one process, or in each of several ranks."""

import json
import math
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter import __version__
from opencharacter.config import Config, data_settings
from opencharacter.ids import digest
from opencharacter.job import Job
from opencharacter.job.lineage import TOKENS
from opencharacter.job.modelcard import METRICS, metric_lines, write_card
from opencharacter.job.stage import OpenStage
from opencharacter.llm.stopping import Stopping
from opencharacter.progress import Display, Progress
from opencharacter.records import Checkpoint
from opencharacter.sources.rows import Tally
from opencharacter.store.aside import bytes_aside, forget, move_also
from opencharacter.store.files import whole_file
from opencharacter.store.licences import strictest
from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder
from opencharacter.train.base import base_name
from opencharacter.train.batches import Batches, derive_batches
from opencharacter.train.callbacks import Report
from opencharacter.train.checkpoints import (
    Identity,
    Layout,
    Resume,
    checkpoint_bytes,
    disk_may_fill,
    find_resume,
    remove_partial,
    require_space,
)
from opencharacter.train.fit import Fitted, Prepared, build_arguments, build_trainer, fit, prepare
from opencharacter.train.holdout import CHARACTERS, DIALOGUES, FORGETTING, split_rows
from opencharacter.train.launch import grace_s
from opencharacter.train.leaving import MODEL, check_room, leave_model
from opencharacter.train.lineage import base_licence
from opencharacter.train.models import Opened, open_model, quieten
from opencharacter.train.preemption import Marking, Preemption
from opencharacter.train.ranks import Ranks
from opencharacter.train.rows import check_lengths, open_tokens, stop_token, write_tokens
from opencharacter.train.templates import FILE_NAME
from opencharacter.train.zero import count, whole_model

_CHECKPOINTS, _FLAT = "checkpoints", "rows"
_LIBRARIES = ("torch", "transformers", "trl", "accelerate", "deepspeed", "peft")


class Work(NamedTuple):
    """What a rank is given to train with."""

    config: Config
    folder: StageFolder
    ranks: Ranks
    stopping: Stopping

    @property
    def checkpoints(self) -> Path:
        """Where the states of the training are."""
        return self.folder.path / _CHECKPOINTS


class Trained(NamedTuple):
    """What a training leaves in memory."""

    fitted: Fitted
    model: Any
    """With all its weights, on rank 0."""
    opened: Opened
    stop: int
    """Token that ends an answer."""


def lead_training(stage: OpenStage, ranks: Ranks, tally: Tally) -> Checkpoint:
    """Train the model of a run on all ranks and write it; return its record.

    Args:
        stage: Started.
        ranks: This is the first of them; the others are at `follow_training`.
        tally: Is told how many rows were trained on and held out.

    Raises:
        TrainingError: a row does not fit, nothing is left to train on, or the loss is no number.
        ModelError: the model cannot be opened.
        ConfigError: TRL refuses a value, or the batch does not divide.
        StoreError: the last checkpoint is of another training, or the disk is too small.
        StoppedError: it was asked to stop, and a step is saved.
    """
    work = Work(stage.config, stage.folder, ranks, stage.stopping)
    write_tokens(stage.folder.run_dir / "tokenize" / "data", stage.folder.path / _FLAT)
    prepared = prepare_rows(work, tally)
    resume = _find_resume(work, prepared)
    ranks.decide({"resume": str(resume.path) if resume else None})
    with Display(stage.folder.stage, unit="steps") as display:
        total = math.ceil(_batches(work).steps(len(prepared.train)) * stage.config.train.epochs)
        journal = Journal(stage, display, total, begun=resume.step if resume else 0)
        trained = _train(work, prepared, resume.path if resume else None, journal.report)
    model, opened, folder = trained.model, trained.opened, stage.folder.path
    leave_model(model, opened, prepared.rows, stage.config.train, folder)
    checkpoint = record(stage, trained.fitted)
    write_card(stage, checkpoint, tally, stop=opened.tokenizer.convert_ids_to_tokens(trained.stop))
    # On NFS files that are still mapped keep a name, and the folder cannot go.
    shutil.rmtree(folder / _FLAT, ignore_errors=True)
    _say(f"the model is in {folder / MODEL}")
    return checkpoint


def follow_training(config: Config, job: Job, ranks: Ranks) -> None:
    """Train as one of the ranks that keep no books, when the first one says so.

    Raises:
        SystemExit: another rank has failed, and has said why.
    """
    decision = ranks.decide()
    if decision is None:  # it is finished
        return
    work = Work(config, job.folder("train"), ranks, job.stopping)
    resume = decision["resume"]
    _train(work, prepare_rows(work, Tally()), Path(resume) if resume else None, _say_nothing)
    # Until rank 0 has written the model: some minutes after its first task has ended, SLURM ends
    # the step (`srun --wait`).
    ranks.decide()


def _train(work: Work, prepared: Prepared, resume: Path | None, report: Report) -> Trained:
    """Train as one of the ranks.

    Args:
        work: Of this rank.
        prepared: The rows.
        resume: Whole checkpoint to go on from; None = begin.
        report: Is told each line of metrics, on rank 0.
    """
    quieten()
    config, ranks = work.config.train, work.ranks
    template = (work.folder.run_dir / "tokenize" / FILE_NAME).read_text(encoding="utf-8")
    batches = _batches(work)
    # Before the model: with ZeRO-3 transformers then opens it in pieces.
    arguments = build_arguments(
        *(config, batches, work.checkpoints),
        steps_per_epoch=batches.steps(len(prepared.train)),
        metric=prepared.metric,
        seed=work.config.seed,
    )
    opened = open_model(config, prepared.rows.used_ids(), template)
    stop = stop_token(prepared.rows, opened.tokenizer)
    if ranks.is_first:
        tell_new_tokens(opened)
    # The one that was whole when a training stopped was measured then.
    arguments.eval_on_start &= resume is None
    # transformers would remove one while other ranks still write the next.
    keep, arguments.save_total_limit = max(1, (arguments.save_total_limit or 2) - 1), None
    if ranks.is_first:
        _require_space(work, opened, keep + bool(prepared.metric))
        check_room(opened, work.folder.path, freed=bytes_aside(work.folder))
    trainer = build_trainer(opened, prepared, arguments, report)
    identity, layout = _identity(work, prepared), _layout(work)
    trainer.add_callback(Marking(ranks, identity, layout, keep=keep, folder=work.checkpoints))
    trainer.add_callback(Preemption(ranks, work.stopping, grace_s(os.environ)))
    may_fill = disk_may_fill(work.checkpoints, is_first=ranks.is_first)
    with work.stopping.patience(), work.stopping.interruptible(), may_fill:
        fitted = fit(trainer, prepared.metric, resume)
    return Trained(fitted, whole_model(trainer), opened, stop)


def _find_resume(work: Work, prepared: Prepared) -> Resume | None:
    """Return the checkpoint to go on from, after removing what a kill has left of others.

    Raises:
        StoreError: it is of another training.
    """
    # A job that SLURM starts again has the same command line: what it saved is not to be forgotten.
    starts_over = work.config.force and "SLURM_RESTART_COUNT" not in os.environ
    if starts_over:
        move_also(work.folder, [_CHECKPOINTS, METRICS])
    for path in remove_partial(work.checkpoints):
        _say(f"{path.name} was not finished, and is removed")
    resume = find_resume(work.checkpoints, _identity(work, prepared), _layout(work))
    if resume is not None:
        _say("; ".join([f"goes on from step {resume.step}", *resume.notes]))
    return resume


def _batches(work: Work) -> Batches:
    return derive_batches(work.config.train, work.ranks.world_size)


def _layout(work: Work) -> Layout:
    batches = _batches(work)
    return Layout(
        batches.world_size,
        batches.accumulation,
        batches.device_rows,
        work.config.train.deepspeed,
    )


def _identity(work: Work, prepared: Prepared) -> Identity:
    started = work.folder.started() or {"settings": {}, "inputs": {}}
    return Identity(
        settings=started["settings"],
        data=started["inputs"].get("tokenize", ""),
        packs=prepared.fingerprint,
        versions={name: version(name) for name in _LIBRARIES} | {"opencharacter": __version__},
    )


def _require_space(work: Work, opened: Opened, held: int) -> None:
    """Check that there is room for the checkpoints.

    Raises:
        StoreError: there is not.
    """
    weights = list(opened.model.parameters())
    size = checkpoint_bytes(
        work.config.train,
        parameters=sum(count(w) for w in weights),
        trainable=sum(count(w) for w in weights if w.requires_grad),
        weight_bytes=weights[0].element_size(),
    )
    require_space(work.checkpoints, size, held=held, freed=bytes_aside(work.folder))


def _say(text: str) -> None:
    print(f"train: {text}", file=sys.stderr)


def _say_nothing(step: int, metrics: dict[str, float]) -> None:
    """Leave it to rank 0."""


def tell_new_tokens(opened: Opened) -> None:
    """Say which tokens the model did not know."""
    for what, ids in (("added", opened.new.added), ("untrained", opened.new.untrained)):
        if ids:
            names = ", ".join(opened.tokenizer.convert_ids_to_tokens(ids[:8]))
            print(
                f"train: {len(ids):,} {what} tokens ({names}) begin as the mean of those that the "
                "model was trained on",
                file=sys.stderr,
            )


def prepare_rows(work: Work, tally: Tally) -> Prepared:
    """Open the rows, decide what is held out, and pack the rest: the same on every rank.

    Raises:
        TrainingError: a row is too long, or nothing is left to train on.
    """
    config, seed, run_dir = work.config.train, work.config.seed, work.folder.run_dir
    rows = open_tokens(run_dir / "tokenize" / "data", work.folder.path / _FLAT, seed=seed)
    check_lengths(rows.rows, config.max_length)
    split = split_rows(rows.rows, clusters(run_dir), config.holdout, seed=seed)
    prepared = prepare(rows, split, config, seed=seed)
    tally.notes |= {
        "rows trained on": len(split.train),
        "rows held out with their character": len(split.characters),
        "rows held out with their instruction": len(split.dialogues),
        "general rows held out": len(split.forgetting),
        "rows of packs": len(prepared.train),
        TOKENS: sum(rows.rows[number].length for number in split.train),
    }
    return prepared


def clusters(run_dir: Path) -> Mapping[str, str]:
    """Return the near-duplicate group of each character; empty where there are no profiles."""
    parts = part_files(run_dir / "profiles" / "data")
    return dict(read_columns(parts, ["id", "cluster"]))


def licences(run_dir: Path) -> list[str]:
    """Return the licences of the rows, each once."""
    return sorted(
        {row[0] for row in read_columns(part_files(run_dir / "tokenize" / "data"), ["licence"])}
    )


def record(stage: OpenStage, fitted: Fitted) -> Checkpoint:
    """Return the record of a trained model, and say what was kept."""
    losses = [f"{kind} {loss:.4f}" for kind, loss in fitted.losses.items() if loss is not None]
    told = ", ".join([f"loss: trained {fitted.train_loss:.4f}", *losses])
    print(f"train: kept {fitted.chosen}; {told}", file=sys.stderr)
    config, started = stage.config.train, stage.folder.started() or {"inputs": {}}
    return Checkpoint(
        mixture=started["inputs"].get("tokenize", ""),
        base=base_name(config),
        settings=digest(data_settings(config)),
        code=__version__,
        path=MODEL,
        step=fitted.step,
        epoch=fitted.epoch,
        chosen=fitted.chosen,
        train_loss=fitted.train_loss,
        character_loss=fitted.losses.get(CHARACTERS),
        dialogue_loss=fitted.losses.get(DIALOGUES),
        forgetting_loss=fitted.losses.get(FORGETTING),
        licence=strictest([base_licence(config), *licences(stage.folder.run_dir)]).hub,
    )


class Journal:
    """Keeps each line of metrics: in a file, on the terminal, on W&B."""

    def __init__(self, stage: OpenStage, display: Display, total: int, *, begun: int) -> None:
        """Begin the file anew, or go on with it.

        Args:
            stage: Started.
            display: Shows how far the training is.
            total: Optimizer steps.
            begun: Step that the training goes on from; what was told of later ones is forgotten.
        """
        self._stage, self._display, self._total = stage, display, total
        self._path = stage.folder.path / METRICS
        told = metric_lines(self._path) if begun else []
        kept = [json.dumps(line) for line in told if line["step"] <= begun]
        with whole_file(self._path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        display.update(Progress(begun, 0, total, 0, 0, 0, 0))

    def report(self, step: int, metrics: dict[str, float]) -> None:
        """Keep the metrics of a step; what was started over goes with the first step's.

        Those of step 0 are the base's: the first step may not fit in memory. Each save is logged
        before it is written, so the disk never holds the checkpoints of two trainings.
        """
        if step:
            forget(self._stage.folder)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._display.update(Progress(step, 0, self._total, 0, 0, 0, 0))
        if self._stage.tracker is not None:
            self._stage.tracker.log_step(metrics, step)
