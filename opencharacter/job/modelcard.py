"""The card of the model that a run has trained, from what the run has on disk."""

import json
from pathlib import Path

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


def losses_before(metrics: Path) -> dict[str, float]:
    """Return the losses before the first step, by kind of what was held out; those there are."""
    found: dict[str, float] = {}
    for line in metrics.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        for kind in (CHARACTERS, DIALOGUES, FORGETTING):
            if told["step"] == 0 and f"eval_{kind}_loss" in told:
                found[kind] = told[f"eval_{kind}_loss"]
    return found
