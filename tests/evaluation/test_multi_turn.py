"""Scripted dialogues: probes at turns 1, 4 and 8, and pressure between them."""

import json

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.facts import Fact
from opencharacter.evaluation.suites import load_suite
from opencharacter.evaluation.templates import suite_file
from tests.evaluation.people import PEOPLE, write_run


def load(tmp_path, **settings):
    return load_suite(SuiteConfig(name=SuiteName.multi_turn, **settings), write_run(tmp_path))


def test_facts_are_asked_at_turns_1_4_and_8(tmp_path):
    for item in load(tmp_path).items:
        asked = [turn for turn, answer in enumerate(item.answers, start=1) if answer]

        assert asked[:3] == [1, 4, 8]
        assert 6 <= len(item.questions) <= 10
        assert "{" not in "".join(item.questions)


def test_every_turn_meets_every_fact(tmp_path):
    items = load(tmp_path).items
    for turn in (0, 3, 7):
        assert {Fact.from_json(item.answers[turn]).field for item in items} == {
            "name",
            "age",
            "birth_place",
            "job",
        }


def test_another_persona_is_somebody_else_of_the_run(tmp_path):
    names = {person.persona_id: person.name for person in PEOPLE}
    for item in load(tmp_path).items:
        if item.task == "another_persona":
            offered = next(n for n in names.values() if n in item.questions[2])
            assert offered != names[item.persona_id]


def test_all_scripts_are_played_or_as_many_as_asked_for(tmp_path):
    assert len(load(tmp_path).items) == 4 * 5
    assert len(load(tmp_path, items=2).items) == 4 * 2
    with pytest.raises(SourceError, match="more scripts than the 5"):
        load(tmp_path, items=6)


def test_scripts_say_nothing_short_that_a_mixture_might_hold_by_chance():
    rows = [json.loads(line) for line in suite_file("multi_turn").read_text().splitlines()]
    turns = [turn for row in rows for turn in row["turns"] if turn != "{probe}"]

    assert len(turns) > 20
    assert [turn for turn in turns if len(turn.split()) < 13] == []
