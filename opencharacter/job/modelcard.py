"""The card of the model that a run has trained, from what the run has on disk."""

import json
from pathlib import Path
from statistics import median

from opencharacter.config import Tuning
from opencharacter.job.stage import OpenStage
from opencharacter.records import Checkpoint
from opencharacter.sources.rows import Tally
from opencharacter.train.card import CardFacts, adapters_card, model_card, write_model_card
from opencharacter.train.holdout import CHARACTERS, DIALOGUES, FORGETTING
from opencharacter.train.leaving import ADAPTERS
from opencharacter.train.lineage import base_licence, read_lineage

METRICS = "metrics.jsonl"
"""Lines of the training, in the stage's folder."""

_RATE = "tokens_per_second_per_device"


def write_card(stage: OpenStage, checkpoint: Checkpoint, tally: Tally, *, stop: str) -> None:
    """Write README.md into the folder of the trained model, and of its adapters.

    Args:
        stage: Started.
        checkpoint: What was trained.
        tally: Has counted the rows.
        stop: Token that ends an answer.
    """
    config, folder = stage.config, stage.folder
    facts = CardFacts(
        run=config.run,
        command=stage.command,
        checkpoint=checkpoint,
        config=config.train,
        base_licence=base_licence(config.train),
        lineage=read_lineage(folder.run_dir),
        before=losses_before(folder.path / METRICS),
        notes=dict(tally.notes),
        stop=stop,
    )
    write_model_card(folder.path / checkpoint.path, model_card(facts))
    if config.train.tuning is Tuning.lora:
        write_model_card(folder.path / ADAPTERS, adapters_card(facts))


def metric_lines(metrics: Path) -> list[dict[str, float]]:
    """Return the lines of a training's metrics; a torn last one, of a full disk, is left out."""
    if not metrics.is_file():
        return []
    whole = metrics.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in whole]


def measured_rate(metrics: Path) -> float | None:
    """Return the median tokens a second of a device in a training's metrics; None = there are none.

    The median: the first steps are slow, and a busy machine has slow ones now and then.
    """
    rates = [line[_RATE] for line in metric_lines(metrics) if _RATE in line]
    return median(rates) if rates else None


def losses_before(metrics: Path) -> dict[str, float]:
    """Return the losses before the first step, by kind of what was held out; those there are."""
    found: dict[str, float] = {}
    for told in metric_lines(metrics):
        for kind in (CHARACTERS, DIALOGUES, FORGETTING):
            if told["step"] == 0 and f"eval_{kind}_loss" in told:
                found[kind] = told[f"eval_{kind}_loss"]
    return found
