"""Which rows a training is shown, and which it is measured on."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from opencharacter.config import HoldoutConfig
from opencharacter.store.holdout import Place, places
from opencharacter.train.rows import Row

CHARACTERS, DIALOGUES, FORGETTING = "characters", "dialogues", "forgetting"


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
    """Decide for each row whether it is trained on, or what is measured on it (`places`).

    Args:
        rows: All.
        groups: Near-duplicate group of a character, by its id; the others stand for themselves.
        config: Shares.
        seed: Of the run.
    """
    found = places(
        [(row.character_id, row.instruction_id) for row in rows], groups, config, seed=seed
    )
    numbers: dict[Place, list[int]] = {place: [] for place in Place}
    for number, place in enumerate(found):
        numbers[place].append(number)
    return Split(*numbers.values())
