"""Train a model on the tokens of a mixture; keep what validates best on held-out characters.

Reads    runs/<run>/tokenize, and of runs/<run>/profiles which characters are near-duplicates
Writes   runs/<run>/train/model: weights, tokenizer, chat template; Checkpoint; metrics.jsonl
Costs    a GPU for a large model, minutes of a CPU for the embedded one; train.check=true tells
Run      python -m opencharacter stage=train run=main
"""

from collections.abc import Iterator
from importlib import import_module

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.records import Checkpoint
from opencharacter.sources.rows import Tally
from opencharacter.train.arguments import check_names
from opencharacter.train.base import base_name
from opencharacter.train.batches import derive_batches

_WHAT = "A model trained on a mixture: the record of its training; the model is in `model/`."


def check(config: Config) -> None:
    """Check the names of TRL's arguments, and that one device could take a step's tokens.

    Raises:
        ConfigError: an argument is unknown, or the batch does not divide.
    """
    check_names(config.train.sft)
    derive_batches(config.train, 1)


def run(config: Config, job: Job) -> None:
    """Train the model of the run."""
    if config.train.check:
        import_module("opencharacter.job.trainplan").print_plan(config, job, world_size=1)
        return
    with job.stage(
        "train",
        settings=[config.train],
        versions={"base": base_name(config.train)},
        reads=["tokenize"],
    ) as stage:
        tally = Tally(rows=1)

        def trained() -> Iterator[Checkpoint]:
            # Now: torch and TRL take seconds to import, and a finished stage needs neither.
            yield import_module("opencharacter.job.training").train_model(stage, tally)

        stage.stream(Checkpoint, trained(), tally, what=_WHAT, unit="models")
