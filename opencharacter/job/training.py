"""What the train stage does in one process, or in each of several ranks."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from opencharacter import __version__
from opencharacter.config import data_settings
from opencharacter.ids import digest
from opencharacter.job.stage import OpenStage
from opencharacter.progress import Display, Progress
from opencharacter.records import Checkpoint
from opencharacter.sources.rows import Tally
from opencharacter.store.licences import strictest
from opencharacter.store.rows import part_files, read_columns
from opencharacter.train.base import base_name
from opencharacter.train.batches import derive_batches
from opencharacter.train.fit import Fitted, Prepared, build_arguments, build_trainer, fit, prepare
from opencharacter.train.holdout import CHARACTERS, DIALOGUES, FORGETTING, split_rows
from opencharacter.train.lora import merge_adapters
from opencharacter.train.models import Opened, open_model, quieten
from opencharacter.train.rows import check_lengths, open_tokens, stop_token, write_tokens
from opencharacter.train.saving import save_adapters, save_model
from opencharacter.train.templates import FILE_NAME

ADAPTERS = "adapters"
"""Folder of the adapters alone, of a training that has any."""
MODEL = "model"
"""Folder of the trained model, below the stage's."""
_CHECKPOINTS, _FLAT, _METRICS = "checkpoints", "rows", "metrics.jsonl"


def train_model(stage: OpenStage, tally: Tally) -> Checkpoint:
    """Train the model of a run and write it; return its record.

    Args:
        stage: Started.
        tally: Is told how many rows were trained on and held out.

    Raises:
        TrainingError: a row does not fit, nothing is left to train on, or the loss is no number.
        ModelError: the model cannot be opened.
        ConfigError: TRL refuses a value, or the batch does not divide.
    """
    config, folder = stage.config.train, stage.folder.path
    quieten()
    prepared = prepare_rows(stage, tally)
    template = (stage.folder.run_dir / "tokenize" / FILE_NAME).read_text(encoding="utf-8")
    opened = open_model(config, prepared.rows.used_ids(), template)
    tell_new_tokens(opened)
    stop = stop_token(prepared.rows, opened.tokenizer)
    batches = derive_batches(config, 1)
    steps = batches.steps(len(prepared.train))
    arguments = build_arguments(
        *(config, batches, folder / _CHECKPOINTS),
        steps_per_epoch=steps,
        metric=prepared.metric,
        seed=stage.config.seed,
    )
    with Display(stage.folder.stage, unit="steps") as display:
        total = round(steps * config.epochs)
        journal = Journal(stage, display, total)
        trainer = build_trainer(opened, prepared, arguments, journal.report)
        fitted = fit(trainer, prepared.metric)
    model = trainer.accelerator.unwrap_model(trainer.model)
    save_adapters(model, folder / ADAPTERS)
    save_model(
        merge_adapters(model),
        opened.tokenizer,
        folder / MODEL,
        dtype=opened.dtype,
        stop_ids=list(dict.fromkeys([stop, *opened.stop_ids])),
    )
    shutil.rmtree(folder / _FLAT)
    return record(stage, fitted)


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


def prepare_rows(stage: OpenStage, tally: Tally) -> Prepared:
    """Read the rows, decide what is held out, and pack the rest.

    Raises:
        TrainingError: a row is too long, or nothing is left to train on.
    """
    config, seed = stage.config.train, stage.config.seed
    data, flat = stage.folder.run_dir / "tokenize" / "data", stage.folder.path / _FLAT
    write_tokens(data, flat)
    rows = open_tokens(data, flat, seed=seed)
    check_lengths(rows.rows, config.max_length)
    split = split_rows(rows.rows, clusters(stage.folder.run_dir), config.holdout, seed=seed)
    prepared = prepare(rows, split, config, seed=seed)
    tally.notes |= {
        "rows trained on": len(split.train),
        "rows held out with their character": len(split.characters),
        "rows held out with their instruction": len(split.dialogues),
        "general rows held out": len(split.forgetting),
        "rows of packs": len(prepared.train),
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
    """Return the record of a trained model."""
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
        licence=strictest(licences(stage.folder.run_dir)).hub,
    )


class Journal:
    """Keeps each line of metrics: in a file, on the terminal, on W&B."""

    def __init__(self, stage: OpenStage, display: Display, total: int) -> None:
        """Begin the file anew.

        Args:
            stage: Started.
            display: Shows how far the training is.
            total: Optimizer steps.
        """
        self._stage, self._display, self._total = stage, display, total
        self._path = stage.folder.path / _METRICS
        self._path.write_text("", encoding="utf-8")
        display.update(Progress(0, 0, total, 0, 0, 0, 0))

    def report(self, step: int, metrics: dict[str, float]) -> None:
        """Keep the metrics of a step."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._display.update(Progress(step, 0, self._total, 0, 0, 0, 0))
        if self._stage.tracker is not None:
            self._stage.tracker.log_step(metrics, step)
