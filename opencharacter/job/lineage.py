"""What the model that played was made of: read from the run that its checkpoint lies in."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import ModelConfig
from opencharacter.job.forgetting import loss_facts
from opencharacter.job.harness import harness_facts
from opencharacter.llm.opening import model_name
from opencharacter.store.holdout import Place, Shown, shown_of
from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder

_TAG = "\n- opencharacter\n"  # of the card beside the weights
_CHECKPOINTS = ("model", "checkpoints")  # of a run's train
TEACHER, BASE = "the teacher's", "the base model's"
"""Whose family that of a model is which another one was made by."""
TOKENS = "tokens trained on"
"""Note of a training."""
_TEACHERS = ("profiles", "rewrite", "generate")


class Lineage(NamedTuple):
    """Where a model comes from; empty where that is not known."""

    made_by: dict[str, str]
    """Its base, and the teachers of its data, `name@revision`, each with whose family is its."""
    facts: dict[str, str | int | float]
    """`characters`, `rows` and `tokens` that it was trained on (of one pass, in all its trainings),
    what was `held_out` of its mixtures, and the `method` they were made by; `trained_before` where
    another training is not known; where `retention` was played, what the training cost on general
    instructions, and what lm-evaluation-harness measured."""


class Trainings(NamedTuple):
    """The runs that trained a model, one upon another's."""

    runs: tuple[Path, ...]
    """Folders, the last training first."""
    lost: str = ""
    """Folder of a run's model that the first of them began from, where that run is not here, or has
    trained another since, or that is a copy elsewhere: what was trained on before is not known.
    Empty = all of it is."""

    def besides(self, asked: Path) -> tuple[Path, ...]:
        """Return the runs, unless the one whose characters are asked is the only one."""
        return () if [run.resolve() for run in self.runs] == [asked.resolve()] else self.runs


def lineage_of(run_dir: Path) -> Lineage:
    """Return what is known of the model that a run's `play` asked.

    A checkpoint lies in the folder of the run that trained it; a model from elsewhere has no
    lineage here. A training that began from the model of another run leads back to that run. Where
    a folder is not where it was, such as with all runs moved, or a relative `runs_dir` seen from
    another folder, it is the run of its name beside this one, if its model is the same.

    Raises:
        StoreError: a file of that run is damaged.
    """
    play = StageFolder(run_dir=run_dir, stage="play")
    found = _trainings(run_dir)
    losses = {**loss_facts(play, next(iter(found.runs), None)), **harness_facts(play)}
    before = {"trained_before": f"in {found.lost}, and not known"} if found.lost else {}
    return Lineage(made_by(run_dir), {**_facts(found.runs), **before, **losses})


def made_by(run_dir: Path) -> dict[str, str]:
    """Return what the model that a run's `play` asked was made by, as `Lineage.made_by`.

    Its base is what the first of its trainings began from.

    Raises:
        StoreError: a file of a run that trained it is damaged.
    """
    runs = _trainings(run_dir).runs
    found = {_version(run, stage, "model"): TEACHER for run in runs for stage in _TEACHERS}
    found |= {_version(run, "train", "base"): BASE for run in runs[-1:]}
    found.pop("", None)
    return found


def trainings_of(model: str, run_dir: Path, *, name: str = "") -> Trainings:
    """Return the runs that trained a model: whose it is, whose its base is, and so on.

    Args:
        model: As `player.model` or `train.model` names it.
        run_dir: Beside which runs lie that were moved.
        name: `model@revision` that it had when it was used; empty = whatever it is now.

    Raises:
        StoreError: a file of a run that trained it is damaged.
    """
    runs: list[Path] = []
    while found := trained_in(model) or _beside(run_dir, model, name):
        is_round = found.resolve() in [run.resolve() for run in runs]
        if is_round or (runs and not _is_still(model, name)):
            return Trainings(tuple(runs), model)
        runs.append(found)
        train = StageFolder(run_dir=found, stage="train")
        model, name = _text(train, "train", "model"), _text(train, "versions", "base")
        run_dir = found
    return Trainings(tuple(runs), model if _is_of_a_run(model) else "")


def _is_of_a_run(model: str) -> bool:
    """Tell by its path, or by its card, whether a model was trained in a run."""
    pairs = zip(Path(model).parts, Path(model).parts[1:], strict=False)
    if any(first == "train" and then in _CHECKPOINTS for first, then in pairs):
        return True
    card = Path(model).expanduser() / "README.md"
    return card.is_file() and _TAG in card.read_text(encoding="utf-8", errors="replace")


def _trainings(run_dir: Path) -> Trainings:
    """Return the runs that trained what a run's `play` asked."""
    play = StageFolder(run_dir=run_dir, stage="play")
    return trainings_of(
        _text(play, "player", "model"), run_dir, name=_text(play, "versions", "model")
    )


def trained_in(model: str) -> Path | None:
    """Return the folder of the run that a checkpoint lies in, or a link's; None = in none."""
    path = Path(model).expanduser()
    above = [*path.parents, *(path.resolve().parents if path.is_symlink() else ())]
    return next((path for path in above if (path / "train" / "started.json").exists()), None)


def _is_still(model: str, name: str) -> bool:
    """Tell whether a folder holds the weights that it held; of one that is gone nobody knows."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return True
    return _same_weights(model_name(ModelConfig(model=str(folder.resolve()))), name)


def _beside(run_dir: Path, model: str, name: str) -> Path | None:
    """Return the run beside this one that has trained a model; None = there is none."""
    parts = Path(model).parts
    if "train" not in parts[1:]:
        return None
    at = len(parts) - 1 - parts[::-1].index("train")
    source, path = run_dir.parent / parts[at - 1], run_dir.parent.joinpath(*parts[at - 1 :])
    if not (source / "train" / "started.json").exists() or not path.is_dir():
        return None
    there = model_name(ModelConfig(model=str(path.resolve())))
    return source if _same_weights(there, name) else None


def _same_weights(*names: str) -> bool:
    return len({name.rpartition("@")[2] for name in names}) == 1  # hashes of them


def _facts(runs: Sequence[Path]) -> dict[str, str | int | float]:
    """Return what the trainings were shown; of one that does not tell, its mixture."""
    shown = [shown_of(run) or _mixed(run) for run in runs]
    if not (n_rows := sum(each.rows[Place.train] for each in shown)):
        return {}
    characters = frozenset().union(*(each.characters for each in shown))
    found: dict[str, str | int | float] = {"characters": len(characters), "rows": n_rows}
    tokens = [_tokens(run, each) for run, each in zip(runs, shown, strict=True)]
    if all(tokens):
        found["tokens"] = sum(tokens)
    held = sum(each.rows[place] for each in shown for place in each.rows if place != Place.train)
    if held:
        whose = frozenset().union(*(each.held for each in shown)) - characters
        found["held_out"] = f"dialogues: {held:,}; whole characters: {len(whose):,}"
    return found | {"method": "+".join(sorted(set(_methods(runs))))}


def _mixed(run_dir: Path) -> Shown:
    """Return the rows of a run's mixture as what was trained on."""
    rows = list(read_columns(_mixture(run_dir), ["character_id"]))
    characters = frozenset(character for (character,) in rows) - {""}
    return Shown(characters=characters, held=frozenset(), rows={Place.train: len(rows)})


def _methods(runs: Sequence[Path]) -> Iterator[str]:
    """Yield by which method each row with a character was made."""
    parts = [part for run in runs for part in _mixture(run)]
    for character, method in read_columns(parts, ["character_id", "method"]):
        if character:
            yield str(method)


def _mixture(run_dir: Path) -> list[Path]:
    return part_files(StageFolder(run_dir=run_dir, stage="mix").data)


def _tokens(run_dir: Path, shown: Shown) -> int:
    """Return the tokens that a training was shown in one pass; 0 = not known."""
    name, stage = TOKENS, "train"
    if set(shown.rows) == {Place.train} or sum(shown.rows.values()) == shown.rows[Place.train]:
        name, stage = "tokens", "tokenize"  # all of them
    counted = StageFolder(run_dir=run_dir, stage=stage).manifest() or {"counts": {}}
    return int(counted["counts"].get("notes", {}).get(name) or 0)


def _version(run_dir: Path, stage: str, name: str) -> str:
    return _text(StageFolder(run_dir=run_dir, stage=stage), "versions", name)


def _text(folder: StageFolder, section: str, name: str) -> str:
    return str(_settings(folder).get(section, {}).get(name, ""))


def _settings(folder: StageFolder) -> dict[str, Any]:
    started = folder.started() or {}
    found: dict[str, Any] = started.get("settings", {})
    return found
