"""Train a model on the tokens of a mixture; keep what validates best on held-out characters.

Reads    runs/<run>/tokenize, and of runs/<run>/profiles which characters are near-duplicates
Writes   runs/<run>/train/model: weights, tokenizer, chat template, card; adapters/ and gguf/ where
         they are asked for; Checkpoint; metrics.jsonl
Costs    a GPU for a large model, minutes of a CPU for the embedded one; train.check=true tells
Run      python -m opencharacter stage=train run=main
"""

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.submit import train_world
from opencharacter.records import Checkpoint
from opencharacter.sources.rows import Tally
from opencharacter.train.arguments import check_names
from opencharacter.train.base import base_name, check_base
from opencharacter.train.batches import derive_batches
from opencharacter.train.launch import world_size
from opencharacter.train.llama_cpp import find_tools

_WHAT = "A model trained on a mixture: the record of its training; the model is in `model/`."


def check(config: Config) -> None:
    """Check TRL's arguments by name, the model's files, llama.cpp, and that ranks share a step.

    Raises:
        ModelError: the model's folder is not there, or is not whole.
        ConfigError: an argument is unknown, a tool is not there, the batch does not divide, or
            half a rank is named.
    """
    check_names(config.train.sft, config.train.objective)
    check_base(config.train)
    find_tools(config.train)
    ranks = world_size(os.environ)
    if config.slurm.submit:  # told before the job waits in a queue
        ranks = train_world(config)
    derive_batches(config.train, ranks)


def run(config: Config, job: Job) -> None:
    """Train the model of the run, as one of its ranks."""
    # Now: torch takes seconds to import, and `check` must not wait for it.
    together = import_module("opencharacter.train.ranks").together
    with together(needs_group=config.train.deepspeed != "none") as ranks:
        if not ranks.is_first:
            import_module("opencharacter.job.training").follow_training(config, job, ranks)
        elif config.train.check:
            plan = import_module("opencharacter.job.trainplan")
            plan.print_plan(config, job, world_size=ranks.world_size)
        else:
            _lead(config, job, ranks)
        if ranks.is_first:
            ranks.decide(None)  # whoever still waits has nothing to do
    if ranks.is_first and not config.train.check and (tools := find_tools(config.train)):
        import_module("opencharacter.job.converting").write_gguf(config, job, tools)


def _lead(config: Config, job: Job, ranks: Any) -> None:
    """Keep the books of the stage, and train as the first of the ranks."""
    with job.stage(
        "train",
        settings=[config.train],
        versions={"base": base_name(config.train)},
        reads=["tokenize"],
    ) as stage:
        tally = Tally(rows=1)
        stage.goes_on = True

        def trained() -> Iterator[Checkpoint]:
            yield import_module("opencharacter.job.training").lead_training(stage, ranks, tally)

        stage.stream(Checkpoint, trained(), tally, what=_WHAT, unit="models")
