"""The suites `in_domain` and `out_of_domain`: instructions that were not trained on as asked here.

In domain: a character of the mixture, and instructions that it did not meet there. Another
character may have; `suite.path` names instructions that nobody has. Out of domain: a held-out
character of which the mixture has no near-duplicate either.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opencharacter.config import InstructionsConfig, SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.people import People, draw_people, held_told, shown_facts
from opencharacter.evaluation.suite import Suite, part_of_people
from opencharacter.ids import digest, shuffled
from opencharacter.prompts.character import system_prompt
from opencharacter.records import Character, EvalItem, Instruction, Rejection
from opencharacter.sources.instructions import read_instructions
from opencharacter.sources.rows import Tally
from opencharacter.store.rows import read_records

TASK = "instruction"
CRITERIA = ("persona_consistency", "linguistic_habits")
"""Of PersonaGym's, those that need no question made for them."""


def read_dialogues(config: SuiteConfig, people: People) -> Suite:
    """Return instructions to the characters of a run that its mixture did not answer so.

    Raises:
        SourceError: there are too few characters, or no instructions that are left.
        StoreError: held-out characters were trained on.
    """
    is_inside = config.name is SuiteName.in_domain
    asked = people.trained() if is_inside else people.unseen()
    drawn = draw_people(asked, config)
    instructions, damaged, n_read = _instructions(config, people)
    name = f"{config.name}@{digest(sorted(one.id for one in instructions))[:12]}"
    items = [
        _item(name, character, instruction, people)
        for character in drawn
        for instruction in _drawn(character, instructions, config, people)
    ]
    if not items and not damaged:
        raise SourceError(
            f"suite={config.name} has nothing to ask: every character met every instruction in the "
            "mixture; name others in suite.path"
        )
    about = held_told(people, is_asked=is_inside)
    suite = part_of_people(name, items, drawn=len(drawn), of=len(asked), about=about)
    suite = suite.with_damaged(damaged)
    if not damaged:
        return suite
    return replace(suite, unit="instructions", n_drawn=n_read, n_lost=len(damaged))


def _instructions(
    config: SuiteConfig, people: People
) -> tuple[list[Instruction], tuple[Rejection, ...], int]:
    """Return the instructions that may be asked, what cannot be read, and how many both were."""
    own = list(read_records(people.folder("instructions").data, Instruction))
    if not config.path:
        return own, (), len(own)
    met = {id_ for ids in people.met.values() for id_ in ids}
    trained = {_turns(one) for one in own if one.id in met}
    rows = list(read_instructions(InstructionsConfig(paths=[config.path]), seed=0, tally=Tally()))
    found = [row for row in rows if isinstance(row, Instruction) and _turns(row) not in trained]
    return found, tuple(row for row in rows if isinstance(row, Rejection)), len(rows)


def _turns(instruction: Instruction) -> tuple[str, ...]:
    return tuple(message.content for message in instruction.messages)


def _drawn(
    character: Character, instructions: Sequence[Instruction], config: SuiteConfig, people: People
) -> Iterator[Instruction]:
    met = people.met.get(character.id, set())
    by_id = {one.id: one for one in instructions if one.id not in met}
    for id_ in shuffled(by_id, config.seed, character.id)[: config.items]:
        yield by_id[id_]


def _item(suite: str, character: Character, instruction: Instruction, people: People) -> EvalItem:
    return EvalItem(
        suite=suite,
        persona_id=character.persona_id,
        system=system_prompt(character),
        persona=character.persona,
        facts=shown_facts(character),
        questions=_turns(instruction),
        task=TASK,
        dimensions=CRITERIA,
        domain=people.domain_of(character, instruction.id),
    )
