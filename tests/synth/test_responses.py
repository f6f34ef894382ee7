"""Who answers what: every character that is not held out, or a pool drawn from them."""

from dataclasses import replace

import pytest

from opencharacter.config import SynthConfig
from opencharacter.errors import ConfigError
from opencharacter.records import Instruction, Message, Role, Split
from opencharacter.synth.responses import meetings, who_answers
from tests.checks.people import KEEPER

CAST = [replace(KEEPER, persona_id=f"persona-{i}", split=Split.train) for i in range(20)]
HELDOUT = [replace(KEEPER, persona_id=f"held-{i}", split=Split.heldout) for i in range(20)]
ASKED = [
    Instruction(
        source="s",
        messages=(Message(role=Role.user, content=f"What is {i}?"),),
        references=("It is one.",),
        licence="CC0",
        origin=str(i),
    )
    for i in range(10)
]


def drawn(pool, *, n=1, seed=0):
    tasks = meetings([*CAST, *HELDOUT], ASKED, SynthConfig(n_characters=n, pool=pool), seed=seed)
    return {task.character.persona_id for task in tasks}


def test_a_pool_answers_everything_between_them():
    assert len(drawn(1)) == 1
    assert len(drawn(4, n=2)) == 4


def test_a_smaller_pool_is_part_of_a_larger_one_and_holds_nobody_held_out():
    assert drawn(2) < drawn(5) < drawn(10) <= {character.persona_id for character in CAST}


def test_another_seed_draws_other_characters():
    assert len({frozenset(drawn(3, seed=seed)) for seed in range(5)}) > 1


def test_a_pool_larger_than_what_is_not_held_out_says_how_many_there_are():
    with pytest.raises(ConfigError, match=r"21 characters but there are only 20.*synth\.pool"):
        drawn(21)


def test_an_instruction_cannot_meet_more_characters_than_the_pool_has():
    with pytest.raises(ConfigError, match=r"synth\.pool is 2, fewer than"):
        SynthConfig(n_characters=3, pool=2)


def test_a_run_without_a_pool_is_written_down_as_before():
    assert who_answers(SynthConfig(n_characters=3)) == {"n_characters": "3"}
    assert who_answers(SynthConfig(n_characters=3, pool=8)) == {"n_characters": "3", "pool": "8"}
