"""What a training never sees: whole characters, whole instructions, some general dialogues.

Never single rows: of a character that was trained on, or an instruction that another character has
answered, a model knows more than its validation would show. Which ones are held out is a hash of
their ids, so another mixture of the same characters holds the same ones out: whoever knows the
settings knows whom a training was shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import HoldoutConfig
from opencharacter.ids import stable_fraction
from opencharacter.store.rows import part_files, read_columns
from opencharacter.store.stage import StageFolder

_COLUMNS = ("row_id", "character_id", "instruction_id")
_FEW = 5  # of fewer, one is too large a share to hold out unasked


class Place(StrEnum):
    """Where a row of tokens goes."""

    train = "train"
    characters = "characters"
    """Of characters of which nothing is trained on."""
    dialogues = "dialogues"
    """Of instructions that are not trained on, by characters that are."""
    general = "general"
    """General dialogues that are not trained on."""


class Shown(NamedTuple):
    """What a training was shown, and what it held out."""

    characters: frozenset[str]
    """Ids of those that it was trained on."""
    held: frozenset[str]
    """Ids of those of its mixture of which it was shown nothing."""
    rows: Mapping[Place, int]
    """Dialogues, by where they went."""


def places(
    rows: Sequence[tuple[str, str]], groups: Mapping[str, str], config: HoldoutConfig, *, seed: int
) -> list[Place]:
    """Decide for each row whether it is trained on, or what is measured on it.

    A row of a held-out character that answers a held-out instruction counts as one of a held-out
    character, and so do those of a character of which nothing else is left to train on.

    Args:
        rows: Ids of the character (empty = a general dialogue) and of the instruction of each.
        groups: Near-duplicate group of a character, by its id; the others stand for themselves.
        config: Shares.
        seed: Of the run.
    """
    named = [(groups.get(who, who), asked) for who, asked in rows]
    characters = _held({who for who, _ in named if who}, config.characters, seed)
    instructions = _held({asked for who, asked in named if who}, config.dialogues, seed)
    instructions |= _held({asked for who, asked in named if not who}, config.general, seed)
    trained = {
        who for who, asked in named if who and who not in characters and asked not in instructions
    }
    found = []
    for who, asked in named:
        if who and who not in trained:
            found.append(Place.characters)
        elif asked not in instructions:
            found.append(Place.train)
        else:
            found.append(Place.dialogues if who else Place.general)
    return found


def shown_of(run_dir: Path) -> Shown | None:
    """Return what the training of a run was shown; None = it has none, or its tokens are gone.

    Raises:
        StoreError: a file of that run is damaged.
    """
    started = StageFolder(run_dir=run_dir, stage="train").started() or {"settings": {}}
    settings: Mapping[str, Any] = started["settings"]
    holdout = settings.get("train", {}).get("holdout")
    parts = part_files(StageFolder(run_dir=run_dir, stage="tokenize").data)
    if holdout is None or not parts:
        return None
    rows = {(a, b, c) for a, b, c in read_columns(parts, _COLUMNS)}  # of turns, each dialogue once
    profiles = part_files(StageFolder(run_dir=run_dir, stage="profiles").data)
    groups = dict(read_columns(profiles, ["id", "cluster"]))
    pairs = [(who, asked) for _, who, asked in rows]
    found = places(pairs, groups, HoldoutConfig(**holdout), seed=settings["seed"])
    trained = _ids(who for (who, _), at in zip(pairs, found, strict=True) if at is Place.train)
    return Shown(
        characters=trained,
        held=_ids(who for who, _ in pairs) - trained,
        rows={place: found.count(place) for place in Place},
    )


def _ids(found: Iterable[str]) -> frozenset[str]:
    return frozenset(found) - {""}


def _held(ids: set[str], share: float, seed: int) -> set[str]:
    """Return the ids whose hash is below `share`; of five or more at least one."""
    if not share:
        return set()
    at = {id_: stable_fraction("holdout", seed, id_) for id_ in ids}
    held = {id_ for id_, fraction in at.items() if fraction < share}
    return held or ({min(at, key=lambda id_: (at[id_], id_))} if len(at) >= _FEW else set())
