"""The suite `multi_turn`: does a character stay who it is, over eight turns and more?

The user follows a script of `eval/suites/multi_turn.jsonl`. At its turns 1, 4 and 8 it asks for a
fact of the profile, so that retention by turn is scored by rule; between them it talks, offers
another persona, insists on an AI, or distracts. Which fact is asked when is rotated over scripts
and persons: each turn meets all of them.

With `suite.user=model` the turns between are made up by a model (`users`), which wants what one of
`eval/templates/multi_turn_users.jsonl` wants; the probes stay as they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from opencharacter.config import SuiteConfig, UserTurns, Who
from opencharacter.errors import SourceError
from opencharacter.evaluation.fact_questions import CRITERIA, read_templates, whom
from opencharacter.evaluation.facts import Fact, Field
from opencharacter.evaluation.people import People, draw_people, held_told, shown_facts
from opencharacter.evaluation.profile_facts import Known, Template, known_facts, wrong_value
from opencharacter.evaluation.suite import Suite, part_of_people
from opencharacter.evaluation.templates import (
    hashed_name,
    read_rows,
    read_text,
    suite_file,
    template_file,
)
from opencharacter.ids import shuffled, stable_number
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, EvalItem

NAME = "multi_turn"
_PROBE = "{probe}"
_OTHER = "{other}"
_GOALS = "multi_turn_users"
_PROMPT = "multi_turn_user"
PROBED = (1, 4, 8)
"""User turns that ask for a fact, from 1; after a script's last probe there may be more."""
_ASKED = (Field.name, Field.age, Field.birth_place, Field.job)
"""Of which facts the probes ask, where they are known."""


class Script(NamedTuple):
    """What a user says, turn by turn."""

    id: str
    turns: tuple[str, ...]
    """Empty = the model that plays the user makes it up."""
    goal: str = ""
    """What that model is told."""


def read_multi_turn(config: SuiteConfig, people: People, *, user: str = "") -> Suite:
    """Return dialogues with the characters of a run, scripted, or with a goal for their user.

    Args:
        config: Which, and how much of it.
        people: Of the run.
        user: Name of the model that plays the user, with `suite.user=model`.

    Raises:
        SourceError: there are no such characters, fewer than are asked for, or fewer scripts.
        StoreError: held-out characters were trained on.
    """
    is_scripted = config.user is UserTurns.scripted
    scripts = _scripts() if is_scripted else _goals(config.turns)
    if config.items > len(scripts):
        raise SourceError(
            f"suite.items={config.items} asks for more scripts than the {len(scripts)} of "
            f"suite={NAME}; lower it"
        )
    everybody = sorted(people.characters.values(), key=lambda character: character.id)
    asked = whom(config, people)
    drawn = draw_people(asked, config)
    data = suite_file(NAME) if is_scripted else template_file(_GOALS)
    name = hashed_name(NAME, data, template_file("profile_facts"))
    direct = {t.field: t for t in read_templates("profile_facts") if t.style == "direct"}
    items = [
        _item(
            _Asked(name, script, "" if is_scripted else user), character, everybody, direct, people
        )
        for character in drawn
        for script in _drawn(scripts, character, config)
    ]
    return part_of_people(
        name,
        items,
        drawn=len(drawn),
        of=len(asked),
        about=held_told(people, is_asked=config.who is not Who.heldout),
    )


def _drawn(scripts: Sequence[Script], character: Character, config: SuiteConfig) -> list[Script]:
    by_id = {script.id: script for script in scripts}
    order = shuffled(by_id, config.seed, character.persona_id)[: config.items]
    return [by_id[id_] for id_ in order]


class _Asked(NamedTuple):
    """What is asked of a character."""

    suite: str
    script: Script
    user: str


def _scripts() -> list[Script]:
    return [Script(row["id"], tuple(row["turns"])) for row in read_rows(suite_file(NAME))]


def _goals(n: int) -> list[Script]:
    """Return dialogues of `n` user turns, of which only the probes are fixed."""
    turns = tuple(_PROBE if turn in PROBED else "" for turn in range(1, n + 1))
    prompt = read_text(template_file(_PROMPT, ending="txt"))
    return [
        Script(row["id"], turns, prompt.replace("{goal}", row["goal"]))
        for row in read_rows(template_file(_GOALS))
    ]


def _item(
    asked: _Asked,
    character: Character,
    everybody: Sequence[Character],
    direct: dict[str, Template],
    people: People,
) -> EvalItem:
    script = asked.script
    known = [fact for fact in known_facts(character) if fact.field in _ASKED]
    name = next(fact for fact in known if fact.field == Field.name)
    other = wrong_value(name, character, everybody) or "somebody else"
    first = stable_number(character.persona_id, script.id) % len(known)
    turns = [turn.replace(_OTHER, other) for turn in script.turns]
    probes = iter(known[(first + n) % len(known)] for n in range(turns.count(_PROBE)))
    facts = [next(probes) if turn == _PROBE else None for turn in turns]
    return EvalItem(
        suite=asked.suite,
        persona_id=character.persona_id,
        system=system_prompt(character),
        persona=character.persona,
        facts=shown_facts(character),
        questions=tuple(
            direct[fact.field].question if fact else turn
            for fact, turn in zip(facts, turns, strict=True)
        ),
        answers=tuple(_answer(fact, other) if fact else "" for fact in facts),
        user=asked.user,
        goal=script.goal.replace(_OTHER, other),
        task=script.id,
        dimensions=(*CRITERIA, "persona_consistency"),
        domain=people.domain_of(character),
    )


def _answer(fact: Known, other: str) -> str:
    wrong = other if fact.field == Field.name else ""
    return Fact(field=Field(fact.field), value=fact.value, wrong=wrong).as_json()
