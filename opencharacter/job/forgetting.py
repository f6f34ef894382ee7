"""What a training cost on general instructions, beside what `suite=retention` says of it.

Training measures its loss on general rows that it holds out (`train.holdout.general`), before the
first step, at each validation and of the model that is kept. Play writes those of the model that
it plays into suite.json, so that the report says what was true of it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from opencharacter.evaluation import retention
from opencharacter.evaluation.suite import Suite
from opencharacter.records import Checkpoint
from opencharacter.store.files import read_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder
from opencharacter.train.checkpoints import step_of

BEFORE, AFTER, ROWS = "general_loss_before", "general_loss_after", "general_rows"
"""In `about` of suite.json: losses in nats a supervised token; rows held out."""
FACT = "loss on held-out general instructions"
_METRIC = "eval_forgetting_loss"


class _Suite(msgspec.Struct):
    """What of suite.json matters here."""

    suite: str
    about: dict[str, float | None] = {}


def with_losses(suite: Suite, trained_in: Path | None, model: str) -> Suite:
    """Return the suite with what the player's training measured of it, where it is retention.

    Nothing, where the player is neither the model that was kept nor a checkpoint.

    Args:
        suite: That is played.
        trained_in: Folder of the run that trained the player; None = it was not trained here.
        model: Folder of the player's weights.

    Raises:
        StoreError: the record of the training is damaged.
    """
    if trained_in is None or not _is_retention(suite.name):
        return suite
    train = StageFolder(run_dir=trained_in, stage="train")
    metrics, played = train.path / "metrics.jsonl", Path(model).expanduser().resolve()
    after = {
        (train.path / kept.path).resolve(): kept.forgetting_loss
        for kept in read_records(train.data, Checkpoint)
    }
    if played.parent == (train.path / "checkpoints").resolve():
        after[played] = _at_step(metrics, step_of(played))
    if played not in after:
        return suite
    notes = ((train.manifest() or {}).get("counts") or {}).get("notes") or {}
    losses = {
        BEFORE: _at_step(metrics, 0),
        AFTER: after[played],
        ROWS: notes.get("general rows held out", 0),
    }
    return replace(suite, about={**suite.about, **losses})


def loss_facts(play: StageFolder, trained_in: Path | None) -> dict[str, str]:
    """Return the losses as a report tells them; nothing of another suite, or of a broken file.

    Whoever reads the suite says that the file is broken.

    Args:
        play: What was played.
        trained_in: Folder of the run that trained the player; None = none here did.
    """
    try:
        found = msgspec.convert(read_json(play.path / "suite.json"), _Suite)
    except (msgspec.ValidationError, ValueError):
        return {}
    return {FACT: _told(found.about, trained_in)} if _is_retention(found.suite) else {}


def _told(about: Mapping[str, float | None], trained_in: Path | None) -> str:
    if trained_in is None:
        return "none, for the player was not trained here"
    before, after = about.get(BEFORE), about.get(AFTER)
    whose = f"the training of run {trained_in.name}"
    if ROWS not in about:
        return f"none, for the player is not the model that {whose} kept; stage=loss measures any"
    if before is None and after is None:
        return f"none, for {whose} held no general rows out (train.holdout.general)"
    shown = [f"{loss:.4f}" if loss is not None else "not measured" for loss in (before, after)]
    rows = f"{about.get(ROWS) or 0:,.0f} rows held out by {whose}"
    return f"{shown[0]} before and {shown[1]} after, in nats a token, on {rows}"


def _at_step(metrics: Path, step: int) -> float | None:
    """Return the loss after a step, 0 = before the first; None = it was not measured."""
    if not metrics.is_file():
        return None
    whole = metrics.read_text(encoding="utf-8").split("\n")[:-1]  # a torn last line is none
    found = [line for line in map(json.loads, whole) if line["step"] == step and _METRIC in line]
    return found[-1][_METRIC] if found else None


def _is_retention(suite: str) -> bool:
    return suite.partition("@")[0] == retention.NAME
