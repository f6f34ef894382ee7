"""What the model that played was made of: read from the run that its checkpoint lies in."""

from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import ModelConfig
from opencharacter.job.forgetting import loss_facts
from opencharacter.job.harness import harness_facts
from opencharacter.llm.opening import model_name
from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder

TEACHER, BASE = "the teacher's", "the base model's"
"""Whose family that of a model is which another one was made by."""
_TEACHERS = ("profiles", "rewrite", "generate")


class Lineage(NamedTuple):
    """Where a model comes from; empty where that is not known."""

    made_by: dict[str, str]
    """Its base, and the teachers of its data, `name@revision`, each with whose family is its."""
    facts: dict[str, str | int | float]
    """`characters`, `rows` and `tokens` that it was trained on (of one pass), and the `method` they
    were made by; where `retention` was played, what the training cost on general instructions, and
    what lm-evaluation-harness measured."""


def lineage_of(run_dir: Path) -> Lineage:
    """Return what is known of the model that a run's `play` asked.

    A checkpoint lies in the folder of the run that trained it; a model from elsewhere has no
    lineage here. Where that folder is not where it was when it played, such as with all runs moved,
    or a relative `runs_dir` seen from another folder, it is the run of its name beside this one,
    if its model is the same.

    Raises:
        StoreError: a file of that run is damaged.
    """
    play = StageFolder(run_dir=run_dir, stage="play")
    source = _source(run_dir)
    losses = {**loss_facts(play, source), **harness_facts(play)}
    if source is None:
        return Lineage({}, {**losses})
    return Lineage(made_by(run_dir), {**_facts(source), **losses})


def made_by(run_dir: Path) -> dict[str, str]:
    """Return what the model that a run's `play` asked was made by, as `Lineage.made_by`.

    Raises:
        StoreError: a file of the run that trained it is damaged.
    """
    source = _source(run_dir)
    if source is None:
        return {}
    found = {_version(source, stage, "model"): TEACHER for stage in _TEACHERS}
    found[_version(source, "train", "base")] = BASE
    found.pop("", None)
    return found


def _source(run_dir: Path) -> Path | None:
    """Return the folder of the run that trained what a run's `play` asked; None = none did."""
    play = StageFolder(run_dir=run_dir, stage="play")
    model = str(_settings(play).get("player", {}).get("model", ""))
    return trained_in(model) or _beside(run_dir, model)


def trained_in(model: str) -> Path | None:
    """Return the folder of the run that a checkpoint lies in; None = in none."""
    above = Path(model).expanduser().parents
    return next((path for path in above if (path / "train" / "started.json").exists()), None)


def _beside(run_dir: Path, model: str) -> Path | None:
    """Return the run beside this one that has trained its model; None = there is none."""
    parts = Path(model).parts
    if "train" not in parts[1:]:
        return None
    at = len(parts) - 1 - parts[::-1].index("train")
    source, path = run_dir.parent / parts[at - 1], run_dir.parent.joinpath(*parts[at - 1 :])
    if not (source / "train" / "started.json").exists() or not path.is_dir():
        return None
    there = model_name(ModelConfig(model=str(path.resolve())))
    names = (there, _version(run_dir, "play", "model"))
    is_same = len({name.rpartition("@")[2] for name in names}) == 1  # hashes of the weights
    return source if is_same else None


def _facts(run_dir: Path) -> dict[str, str | int | float]:
    parts = part_files(StageFolder(run_dir=run_dir, stage="mix").data)
    rows = list(read_columns(parts, ["character_id", "method"]))
    if not rows:
        return {}
    characters = {character for character, _ in rows} - {""}
    methods = sorted({str(method) for character, method in rows if character})
    found: dict[str, str | int | float] = {"characters": len(characters), "rows": len(rows)}
    tokenized = StageFolder(run_dir=run_dir, stage="tokenize").manifest() or {"counts": {}}
    if tokens := tokenized["counts"].get("notes", {}).get("tokens"):
        found["tokens"] = int(tokens)
    return found | {"method": "+".join(methods)}


def _version(run_dir: Path, stage: str, name: str) -> str:
    versions = _settings(StageFolder(run_dir=run_dir, stage=stage)).get("versions", {})
    return str(versions.get(name, ""))


def _settings(folder: StageFolder) -> dict[str, Any]:
    started = folder.started() or {}
    found: dict[str, Any] = started.get("settings", {})
    return found
