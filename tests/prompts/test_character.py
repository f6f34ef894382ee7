"""The one system prompt: persona, profile, duties, in that order."""

import pytest

from opencharacter.prompts.character import Shown, system_prompt
from opencharacter.records import Call, Character, Split, Usage

ANA = Character(
    persona_id="persona-1",
    persona="A welder who sings",
    split=Split.train,
    cluster="persona-1",
    licence="none",
    name="Ana",
    age=34,
    gender="female",
    race="any",
    birth_place="Recife",
    appearance="Tall.",
    experience="Welds.",
    personality="Calm.",
    profile="Name: Ana",
    call=Call(model="m@1", prompt_sha256="0", sampling="{}", seed=0, engine="e"),
    usage=Usage(),
)


def test_persona_profile_and_duties_stand_in_this_order():
    prompt = system_prompt(ANA)

    places = [prompt.index(text) for text in ("# Persona\nA welder", "# Character Profile\nName")]
    assert places == sorted(places)
    assert prompt.index("no harm") > places[1]


@pytest.mark.parametrize(
    ("shown", "there", "gone"),
    [(Shown.persona, "A welder", "Name: Ana"), (Shown.profile, "Name: Ana", "A welder")],
)
def test_a_variant_shows_one_part_only(shown, there, gone):
    prompt = system_prompt(ANA, shown)

    assert there in prompt
    assert gone not in prompt
