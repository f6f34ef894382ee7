"""The general dialogues that a training held out: any model can be measured on them."""

from importlib import import_module
from pathlib import Path
from typing import Any

from opencharacter.config import HoldoutConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.losses import Answers, Told, answers_of
from opencharacter.ids import digest, shuffled
from opencharacter.job.reporting import run_folder
from opencharacter.records import MixtureRow
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder, finished_input


def held_out(run: str, runs_dir: Path, *, n: int | None = None) -> Answers:
    """Return the general dialogues on which a training measured what it cost.

    Which these are follows from the settings that the training was started with; what is left of
    each is what it learned from, without turns that `stage=tokenize` dropped.

    Args:
        run: Name of the run in `runs_dir`, or its folder.
        runs_dir: Where runs are kept.
        n: How many of them; None = all.

    Raises:
        ConfigError: there is no such run.
        SourceError: its training held none out.
        StoreError: a stage of it is not finished, stale or damaged.
    """
    run_dir = run_folder(run, runs_dir)
    for stage in ("mix", "tokenize", "train"):
        finished_input(run_dir, stage, run=run)
    settings: dict[str, Any] = (StageFolder(run_dir=run_dir, stage="train").started() or {})[
        "settings"
    ]
    tokens = run_dir / "tokenize" / "data"
    shown = read_columns(part_files(tokens), ["id", "row_id", "dropped_turns"])
    dropped = {row_id: (id_, turns) for id_, row_id, turns in shown}
    wanted = _held(run_dir, tokens, settings)
    kept = {row_id for row_id, (id_, _) in dropped.items() if id_ in wanted}
    if not kept:
        raise SourceError(
            f"the training of run {run} held no general dialogues out; loss.run needs some: "
            "mix.replay_paths and train.holdout.general"
        )
    rows = read_records(run_dir / "mix" / "data", MixtureRow, keep=kept.__contains__)
    told = [_told(row, dropped[row.id][1]) for row in rows]
    name = f"{run_dir.name}/held_out@{digest(sorted(each.id for each in told))[:12]}"
    return answers_of(name, told, n=n)


def _held(run_dir: Path, tokens: Path, settings: dict[str, Any]) -> set[str]:
    """Return the ids of the rows of tokens that the training measured, as it chose them itself."""
    # Late: `datasets` takes a second to import, and only this needs it.
    training, holdout = (
        import_module(f"opencharacter.train.{name}") for name in ("rows", "holdout")
    )
    seed, config = settings["seed"], HoldoutConfig(**settings["train"]["holdout"])
    by_id = {row.id: row for row in training.read_rows(tokens)}
    rows = [by_id[id_] for id_ in shuffled(by_id, "train", seed)]
    groups = dict(read_columns(part_files(run_dir / "profiles" / "data"), ["id", "cluster"]))
    split = holdout.split_rows(rows, groups, config, seed=seed)
    return {rows[number].id for number in split.forgetting[: config.max_rows]}


def _told(row: MixtureRow, dropped: int) -> Told:
    return Told(
        messages=row.messages[: len(row.messages) - dropped],
        topic=row.source,
        licence=row.licence,
        origin=row.id,
    )
