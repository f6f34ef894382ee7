"""The suite `multi_turn`: does a character stay who it is, over eight turns and more?

The user follows a script of `eval/suites/multi_turn.jsonl`. At its turns 1, 4 and 8 it asks for a
fact of the profile, so that retention by turn is scored by rule; between them it talks, offers
another persona, insists on an AI, or distracts. Which fact is asked when is rotated over scripts
and persons: each turn meets all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.fact_questions import CRITERIA, read_templates, whom
from opencharacter.evaluation.facts import Fact, Field
from opencharacter.evaluation.people import People, draw_people, shown_facts
from opencharacter.evaluation.profile_facts import Known, Template, known_facts, wrong_value
from opencharacter.evaluation.suite import Suite, part_of_people
from opencharacter.evaluation.templates import hashed_name, read_rows, suite_file, template_file
from opencharacter.ids import shuffled, stable_number
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, EvalItem

NAME = "multi_turn"
_PROBE = "{probe}"
_OTHER = "{other}"
_ASKED = (Field.name, Field.age, Field.birth_place, Field.job)
"""Of which facts the probes ask, where they are known."""


class Script(NamedTuple):
    """What a user says, turn by turn."""

    id: str
    turns: tuple[str, ...]


def read_multi_turn(config: SuiteConfig, people: People) -> Suite:
    """Return scripted dialogues with the characters of a run.

    Raises:
        SourceError: there are no such characters, fewer than are asked for, or fewer scripts.
        StoreError: held-out characters were trained on.
    """
    scripts = [Script(row["id"], tuple(row["turns"])) for row in read_rows(suite_file(NAME))]
    if config.items > len(scripts):
        raise SourceError(
            f"suite.items={config.items} asks for more scripts than the {len(scripts)} of "
            f"suite={NAME}; lower it"
        )
    everybody = sorted(people.characters.values(), key=lambda character: character.id)
    asked = whom(config, people)
    drawn = draw_people(asked, config)
    name = hashed_name(NAME, suite_file(NAME), template_file("profile_facts"))
    direct = {t.field: t for t in read_templates("profile_facts") if t.style == "direct"}
    items = [
        _item(name, script, character, everybody, direct, people)
        for character in drawn
        for script in _drawn(scripts, character, config)
    ]
    return part_of_people(name, items, drawn=len(drawn), of=len(asked))


def _drawn(scripts: Sequence[Script], character: Character, config: SuiteConfig) -> list[Script]:
    by_id = {script.id: script for script in scripts}
    order = shuffled(by_id, config.seed, character.persona_id)[: config.items]
    return [by_id[id_] for id_ in order]


def _item(
    suite: str,
    script: Script,
    character: Character,
    everybody: Sequence[Character],
    direct: dict[str, Template],
    people: People,
) -> EvalItem:
    known = [fact for fact in known_facts(character) if fact.field in _ASKED]
    name = next(fact for fact in known if fact.field == Field.name)
    other = wrong_value(name, character, everybody) or "somebody else"
    first = stable_number(character.persona_id, script.id) % len(known)
    turns = [turn.replace(_OTHER, other) for turn in script.turns]
    probes = iter(known[(first + n) % len(known)] for n in range(turns.count(_PROBE)))
    asked = [next(probes) if turn == _PROBE else None for turn in turns]
    return EvalItem(
        suite=suite,
        persona_id=character.persona_id,
        system=system_prompt(character),
        persona=character.persona,
        facts=shown_facts(character),
        questions=tuple(
            direct[fact.field].question if fact else turn
            for fact, turn in zip(asked, turns, strict=True)
        ),
        answers=tuple(_answer(fact, other) if fact else "" for fact in asked),
        task=script.id,
        dimensions=(*CRITERIA, "persona_consistency"),
        domain=people.domain_of(character),
    )


def _answer(fact: Known, other: str) -> str:
    wrong = other if fact.field == Field.name else ""
    return Fact(field=Field(fact.field), value=fact.value, wrong=wrong).as_json()
