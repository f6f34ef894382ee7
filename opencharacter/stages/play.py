"""Let a model answer a suite's questions in character.

Reads    the suite: suite.path, or eval/ and stages of this run
Writes   runs/<run>/play: Transcript; items/ holds the EvalItems, suite.json how much of it this is
Costs    one call a question, control and sample: about 150 prompt tokens and 200 output
Run      python -m opencharacter stage=play run=main suite=persona_gym suite.path=FOLDER suite.n=20
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from opencharacter.config import Config, UserTurns
from opencharacter.errors import ConfigError
from opencharacter.evaluation.playing import Player, play_plan, tasks_of
from opencharacter.evaluation.suites import load_suite, stages_read
from opencharacter.job import Job
from opencharacter.job.ahead import check_asked
from opencharacter.job.forgetting import with_losses
from opencharacter.job.harness import check_harness, run_harness
from opencharacter.job.lineage import trained_in, trainings_of
from opencharacter.job.playing import (
    count_played,
    refuse_damaged,
    say_lost,
    say_missing,
    sources_of,
    write_items,
)
from opencharacter.job.reporting import run_folder
from opencharacter.llm.opening import UnopenedModel, model_name
from opencharacter.llm.requests import Model
from opencharacter.llm.two import TwoModels
from opencharacter.prompts.character import RENDER_VERSION
from opencharacter.store.stage import finished_input


def check(config: Config) -> None:
    """Check that there is the suite, and a model to be tested.

    Raises:
        ConfigError: a control makes no sense for the suite.
        ModelError: there is no such model.
        SourceError: there is no such suite, or too much of it is damaged.
    """
    if not config.trains_player:
        check_asked(config, "play", config.player)
    if config.suite.user is UserTurns.model:
        _check_paid(config)
        check_asked(config, "play", config.user)
    check_harness(config)
    if not stages_read(config.suite):  # else those may be about to be made
        suite = load_suite(config.suite, Path(config.runs_dir))
        refuse_damaged(suite, max_rejected=config.play.max_rejected)
        tasks_of(suite, config.play)


def run(config: Config, job: Job) -> None:
    """Write a transcript of every item, control and sample."""
    run = config.suite.run or config.run
    run_dir = Path(config.runs_dir) / run
    if config.suite.run:
        run_folder(run, Path(config.runs_dir))  # a name that was mistyped is told as such
    reads = stages_read(config.suite)
    is_own = run == config.run
    typed = job.command if is_own else ""
    made = {stage: finished_input(run_dir, stage, run=run, typed=typed) for stage in reads}
    user = model_name(config.user) if config.suite.user is UserTurns.model else ""
    trained = trainings_of(config.player.model, run_dir)
    also = trained.besides(run_dir) if reads else trained.runs
    suite = load_suite(config.suite, run_dir, also, knows_all=not trained.lost, user=user)
    refuse_damaged(suite, max_rejected=config.play.max_rejected)
    suite = with_losses(suite, trained_in(config.player.model), config.player.model)
    tasks = tasks_of(suite, config.play)
    with job.stage(
        "play",
        settings=[
            replace(config.suite, path=""),
            config.play,
            config.player,
            *[config.user][: bool(user)],
        ],
        versions={"model": model_name(config.player), "prompt": RENDER_VERSION},
        reads=reads if is_own else (),
        sources=sources_of(suite) | ({} if is_own else {f"{run}/{s}": made[s] for s in made}),
    ) as stage:
        say_missing(suite)
        say_lost(trained.lost if reads else "")
        # Now: later our engine holds the GPU.
        run_harness(stage.folder, config, stage.fingerprint, stage.claims)

        # Opened when something is asked: what is in the log needs no engine.
        asked = UnopenedModel(config.player, lambda: _models(config, job))
        player = Player(model=asked, settings=config.play, seed=config.seed)

        def notes() -> Mapping[str, int]:
            write_items(stage.folder, suite)
            return count_played(stage.folder, suite)

        stage.work(
            play_plan(suite, tasks, player.play),
            lambda: asked,
            what=f"Transcripts: {suite.name}, played by {model_name(config.player)}.",
            max_rejected=1.0,  # what is damaged was weighed before
            notes=notes,
        )


def _check_paid(config: Config) -> None:
    """Refuse a budget and prices that nothing would heed: play's calls are the player's."""
    user = config.user
    if user.has_budget or user.price_prompt or user.price_output:
        raise ConfigError(
            "user.budget_* and user.price_* are not counted apart: all of play's calls go "
            "by player.budget_* and player.price_*; set those"
        )


def _models(config: Config, job: Job) -> Model:
    """Return the model under test, with the one that plays the user where there is another."""
    player = job.model(config.player)
    user = player if config.suite.user is UserTurns.scripted else job.model(config.user)
    return player if user is player else TwoModels(player, user)
