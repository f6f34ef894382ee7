"""The suite `profile_facts`: every question that the templates have about a character's profile."""

from collections.abc import Sequence

from opencharacter.config import SuiteConfig, Who
from opencharacter.errors import SourceError
from opencharacter.evaluation.people import People, draw_people, held_told, shown_facts
from opencharacter.evaluation.profile_facts import Template, questions_about
from opencharacter.evaluation.suite import Suite, part_of_people
from opencharacter.evaluation.templates import hashed_name, read_rows, template_file
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, EvalItem

NAME = "profile_facts"
CRITERIA = ("fact_stated", "fact_contradicted")
"""By rule; see `rules`."""


def read_profile_facts(config: SuiteConfig, people: People) -> Suite:
    """Return the questions to the characters of a run.

    Raises:
        SourceError: there are no such characters, or fewer than are asked for.
        StoreError: held-out characters were trained on.
    """
    everybody = sorted(people.characters.values(), key=lambda character: character.id)
    asked = whom(config, people)
    drawn = draw_people(asked, config)
    name = hashed_name(NAME, template_file(NAME))
    templates = read_templates(NAME)
    items = [
        item
        for character in drawn
        for item in _items(name, character, everybody, templates, people)
    ]
    return part_of_people(
        name,
        items,
        drawn=len(drawn),
        of=len(asked),
        about=held_told(people, is_asked=config.who is not Who.heldout),
    )


def whom(config: SuiteConfig, people: People) -> list[Character]:
    """Return the characters that `suite.who` names.

    Raises:
        SourceError: there is none.
        StoreError: held-out characters were trained on.
    """
    if config.who is Who.all:
        found = sorted(people.characters.values(), key=lambda character: character.id)
    else:
        found = people.trained() if config.who is Who.trained else people.unseen()
    if not found:
        raise SourceError(
            f"{people.run_dir} has no characters for suite.who={config.who}; make the run's "
            "profiles and mix first"
        )
    return found


def read_templates(name: str) -> list[Template]:
    """Return the templates of a suite, in their order."""
    return [
        Template(row["field"], row["style"], row["question"])
        for row in read_rows(template_file(name))
    ]


def _items(
    suite: str,
    character: Character,
    everybody: Sequence[Character],
    templates: Sequence[Template],
    people: People,
) -> list[EvalItem]:
    return [
        EvalItem(
            suite=suite,
            persona_id=character.persona_id,
            system=system_prompt(character),
            persona=character.persona,
            facts=shown_facts(character),
            questions=(asked.question,),
            answers=(asked.fact.as_json(),),
            task=f"{asked.fact.field}/{asked.style}",
            dimensions=CRITERIA,
            domain=people.domain_of(character),
        )
        for asked in questions_about(character, everybody, templates)
    ]
