"""Measure how likely a model holds given answers to general questions, to see what it forgot.

Reads    loss.path: dialogues with answers; with loss.run those that a run's training held out
         (train, tokenize and mix of that run); without either eval/suites/general_answers.jsonl
Writes   runs/<run>/loss: Loss, a row for each dialogue; loss.json: the mean with its interval
Costs    one pass over each dialogue, some 100 tokens; nothing is drawn
Run      python -m opencharacter stage=loss run=main llm@player=embedded
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from opencharacter.config import Backend, Config
from opencharacter.errors import ConfigError
from opencharacter.evaluation.losses import loss_plan, read_answers
from opencharacter.job import Job
from opencharacter.job.ahead import check_asked
from opencharacter.job.heldout import held_out
from opencharacter.job.losses import NO_SERVER, say_losses, write_losses
from opencharacter.llm.opening import model_name
from opencharacter.sources.instructions import open_instructions


def check(config: Config) -> None:
    """Check that there are dialogues, and a model that tells probabilities.

    Raises:
        ConfigError: the player is a server.
        ModelError: there is no such model.
        SourceError: there are no such dialogues.
    """
    if config.player.backend is Backend.endpoint:
        raise ConfigError(
            f"stage=loss needs the player's weights, and player.backend is endpoint: {NO_SERVER}; "
            "choose a model of this process"
        )
    if not config.trains_player:
        check_asked(config, "loss", config.player)
    if config.loss.path:
        open_instructions([config.loss.path])


def run(config: Config, job: Job) -> None:
    """Write the loss of every dialogue, and print their mean."""
    settings = config.loss
    of_run = settings.run and held_out(settings.run, Path(config.runs_dir), n=settings.n)
    answers = of_run or read_answers(settings)
    with job.stage(
        "loss",
        settings=[replace(settings, path=""), config.player],
        versions={"model": model_name(config.player)},
        sources={"answers": answers.name},
    ) as stage:

        def notes() -> Mapping[str, int]:
            return write_losses(
                stage.folder, level=config.report.level, read_from=answers.read_from
            )

        stage.work(
            loss_plan(answers, lambda: job.model(config.player), retries=settings.retries),
            lambda: job.model(config.player),
            what=f"Loss of {model_name(config.player)} on {answers.name}.",
            max_rejected=settings.max_rejected,
            notes=notes,
        )
        say_losses(stage.folder)
