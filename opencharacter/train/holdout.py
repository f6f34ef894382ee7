"""What a training never sees: whole characters, whole instructions, some general dialogues.

Never single rows: of a character that was trained on, or an instruction that another character has
answered, a model knows more than its validation would show. Which ones are held out is a hash of
their ids, so another mixture of the same characters holds the same ones out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from opencharacter.config import HoldoutConfig
from opencharacter.ids import stable_fraction
from opencharacter.train.rows import Row

CHARACTERS, DIALOGUES, FORGETTING = "characters", "dialogues", "forgetting"

_FEW = 5  # of fewer, one is too large a share to hold out unasked


class Split(NamedTuple):
    """Numbers of rows; each row is in exactly one of them."""

    train: list[int]
    characters: list[int]
    """Of characters of which nothing is trained on."""
    dialogues: list[int]
    """Of instructions that are not trained on, by characters that are."""
    forgetting: list[int]
    """General dialogues that are not trained on."""


def split_rows(
    rows: Sequence[Row], groups: Mapping[str, str], config: HoldoutConfig, *, seed: int
) -> Split:
    """Decide for each row whether it is trained on, or what is measured on it.

    A row of a held-out character that answers a held-out instruction counts as one of a held-out
    character, and so do those of a character of which nothing else is left to train on.

    Args:
        rows: All.
        groups: Near-duplicate group of a character, by its id; the others stand for themselves.
        config: Shares.
        seed: Of the run.
    """
    played = [row for row in rows if row.character_id]
    general = [row for row in rows if not row.character_id]
    characters = _held({_group(row, groups) for row in played}, config.characters, seed)
    instructions = _held({row.instruction_id for row in played}, config.dialogues, seed)
    instructions |= _held({row.instruction_id for row in general}, config.general, seed)
    trained = {
        _group(row, groups)
        for row in played
        if _group(row, groups) not in characters and row.instruction_id not in instructions
    }
    split = Split([], [], [], [])
    for number, row in enumerate(rows):
        if row.character_id and _group(row, groups) not in trained:
            split.characters.append(number)
        elif row.instruction_id not in instructions:
            split.train.append(number)
        else:
            (split.dialogues if row.character_id else split.forgetting).append(number)
    return split


def _group(row: Row, groups: Mapping[str, str]) -> str:
    return groups.get(row.character_id, row.character_id)


def _held(ids: set[str], share: float, seed: int) -> set[str]:
    """Return the ids whose hash is below `share`; of five or more at least one."""
    if not share:
        return set()
    at = {id_: stable_fraction("holdout", seed, id_) for id_ in ids}
    held = {id_ for id_, fraction in at.items() if fraction < share}
    return held or ({min(at, key=lambda id_: (at[id_], id_))} if len(at) >= _FEW else set())
