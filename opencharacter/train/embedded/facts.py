"""Do characters that a model never saw tell their name, age and birth place? Before and after."""

import math
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random

from opencharacter.config.model import TRAINED
from opencharacter.errors import StoreError
from opencharacter.llm.requests import Model
from opencharacter.prompts.character import system_message
from opencharacter.records import Character, Message, Role, Split
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder, finished_input
from opencharacter.train.embedded.answers import DIRECT
from opencharacter.train.embedded.check import Figure, ask

ASKED = ("name", "age", "birth_place")
"""The facts that are asked for."""

_LONGEST_ANSWER = 100  # tokens
_FEW = 50  # characters


def held_out(run_dir: Path, n: int) -> list[Character]:
    """Return at most `n` characters of a run that no mixture may hold.

    Raises:
        StoreError: its profiles are not finished, or none of them is held out.
    """
    finished_input(run_dir, "profiles", run=run_dir.name)
    everybody = read_records(StageFolder(run_dir=run_dir, stage="profiles").data, Character)
    found = list(islice((each for each in everybody if each.split is Split.heldout), n))
    if not found:
        raise StoreError(f"{run_dir} holds nobody out; give it more: personas.heldout=0.2")
    return found


def how_many(n: int) -> str:
    """Return how many characters are asked, and how well a share of so many is known.

    Half the width of a 95 % interval of a share around a half: 1.96 * sqrt(0.25 / n).
    """
    told = f"{n:,} held-out characters are asked"
    if n >= _FEW:
        return told
    return (
        f"{told}, which is few: a share of so many is known to about {0.98 / math.sqrt(n):.0%} "
        "either way; raise personas.n or personas.heldout"
    )


def trained_model(run_dir: Path) -> Path:
    """Return the folder of the model that a run has trained.

    Raises:
        StoreError: it is not trained yet.
    """
    finished_input(run_dir, "train", run=run_dir.name)
    return run_dir / TRAINED


def fact_figures(model: Model, characters: Sequence[Character], sampling: str) -> list[Figure]:
    """Ask every character each fact once, in one of the wordings, and count exact answers.

    Args:
        model: Anything that answers.
        characters: Who is asked, with persona and profile in the system prompt.
        sampling: A key of `check.SAMPLINGS`.
    """
    random = Random("facts")
    figures = []
    closed = 0
    for about in ASKED:
        chats = [
            [
                system_message(character),
                Message(role=Role.user, content=random.choice(DIRECT[about])),
            ]
            for character in characters
        ]
        replies = ask(model, chats, sampling, _LONGEST_ANSWER)
        closed += sum(bool(reply.strip()) and not reply.endswith("\0") for reply in replies)
        hits = sum(
            states(reply, about, character)
            for reply, character in zip(replies, characters, strict=True)
        )
        figures.append(Figure(about.replace("_", " "), sampling, hits, len(characters)))
    return [*figures, Figure("closes its answer", sampling, closed, len(ASKED) * len(characters))]


def states(reply: str, about: str, character: Character) -> bool:
    """Tell whether a reply holds the character's fact, letter for letter; of an age, the number."""
    fact = {
        "name": character.name,
        "age": str(character.age),
        "birth_place": character.birth_place,
    }[about]
    return fact in re.findall(r"\d+", reply) if about == "age" else fact in reply
