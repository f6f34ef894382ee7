"""What the loss stage leaves beside its rows, and what reports read of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opencharacter.compare.losses import loss_words, losses_of
from opencharacter.compare.results import LOSS_FACT
from opencharacter.config import Backend, Config, SuiteName
from opencharacter.evaluation import retention
from opencharacter.job.beside import as_json, require_whole
from opencharacter.records import Loss
from opencharacter.store.commands import first, placed, plain
from opencharacter.store.files import read_json, write_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder

FILE = "loss.json"
NO_SERVER = "a server tells no probabilities of a text that it did not write"


def measures_loss(config: Config) -> bool:
    """Tell whether evaluating a suite measures the loss too: of retention, where it can be told."""
    is_told = config.player.backend is not Backend.endpoint
    return config.suite.name is SuiteName.retention and is_told


def write_losses(
    folder: StageFolder, *, level: float, read_from: Mapping[str, str]
) -> dict[str, int]:
    """Write the means to loss.json; return counts for the manifest.

    Args:
        folder: Of the stage.
        level: Of the intervals.
        read_from: Commits of data sets on the hub, as `Answers` has them.
    """
    rows = list(read_records(folder.data, Loss))
    found = losses_of(rows, level=level)
    told: dict[str, Any] = {
        "models": sorted({row.model for row in rows}),
        "answers": sorted({row.source for row in rows}),
        "read_from": dict(read_from),
        "told": [loss_words(each) for each in found[:1]],
        "losses": as_json(found),
    }
    write_json(folder.path / FILE, told)
    return {"tokens measured": sum(len(row.losses) for row in rows)}


def say_losses(folder: StageFolder) -> None:
    """Print the mean, once the stage is finished."""
    if folder.manifest() is None:
        return
    found = read_json(folder.path / FILE) or {"told": [], "models": [], "answers": []}
    for sentence in found["told"]:
        models, answers = ", ".join(found["models"]), ", ".join(found["answers"])
        print(f"loss of {models} on {answers}: {sentence}")


def read_losses(run_dir: Path, models: set[str]) -> list[Loss]:
    """Return the losses of a run's tested models; nothing where none were measured to the end.

    Raises:
        StoreError: a file of them is damaged.
    """
    folder = StageFolder(run_dir=run_dir, stage="loss")
    if folder.manifest() is None:
        return []
    require_whole(folder)
    return [row for row in read_records(folder.data, Loss) if row.model in models]


def loss_facts(play: StageFolder, suite: str, losses: Sequence[Loss]) -> dict[str, str]:
    """Return why there is no loss on given answers; nothing where there is one, or none is asked.

    Args:
        play: What was played.
        suite: That it is of, `name@hash`.
        losses: From `read_losses`.
    """
    loss = StageFolder(run_dir=play.run_dir, stage="loss")
    if losses or (suite.partition("@")[0] != retention.NAME and loss.started() is None):
        return {}
    started = play.started() or {}
    player = started.get("settings", {}).get("player", {})
    if player.get("backend") == Backend.endpoint:
        return {LOSS_FACT: f"none, for {NO_SERVER}"}
    if loss.manifest() is not None:
        return {LOSS_FACT: "none of this model: runs/<run>/loss is of another; use force=true"}
    command = first(started.get("command", ""), "loss") or plain(play.run_dir, "loss")
    return {LOSS_FACT: f"not measured; this does it: {placed(command, play.run_dir)}"}
