"""What counts as telling a fact of one's own, and whom a run holds out."""

import pytest

from opencharacter.errors import StoreError
from opencharacter.records import Call, Character, Split, Usage
from opencharacter.train.embedded.facts import held_out, how_many, states

ANNA = Character(
    persona_id="p", persona="A baker", split=Split.heldout, cluster="c", licence="x",
    name="Anna Lund", age=34, gender="female", race="white", birth_place="Lima, Peru",
    appearance="Tall.", experience="Bakes.", personality="Calm.", profile="Name: Anna Lund",
    call=Call(model="m", prompt_sha256="", sampling="{}", seed=0, engine="none"), usage=Usage(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("about", "reply", "is_told"),
    [
        pytest.param("name", "I am Anna Lund. And you?", True, id="name"),
        pytest.param("name", "My name is Anna.", False, id="half a name"),
        pytest.param("age", "I have lived 34 years.", True, id="age"),
        pytest.param("age", "I was born in 1934.", False, id="a number within another"),
        pytest.param("birth_place", "I come from Lima, Peru.", True, id="birth place"),
        pytest.param("birth_place", "I come from Lima, Ohio.", False, id="another place"),
    ],
)
def test_a_fact_is_told_when_the_value_stands_there(about, reply, is_told):
    assert states(reply, about, ANNA) is is_told


def test_only_those_who_were_held_out_are_asked(opencharacter, tmp_path):
    words = ("synth.methods=[generate]", "synth.n_characters=1", "personas.heldout=0.5")
    assert opencharacter("stage=synth", *words).returncode == 0

    found = held_out(tmp_path / "runs" / "t", 5)

    assert len(found) == 5
    assert {each.split for each in found} == {Split.heldout}


def test_a_run_that_holds_nobody_out_is_told(opencharacter, tmp_path):
    words = ("synth.methods=[generate]", "synth.n_characters=1", "personas.heldout=0")
    assert opencharacter("stage=synth", *words).returncode == 0

    with pytest.raises(StoreError, match=r"holds nobody out; .* personas\.heldout=0\.2"):
        held_out(tmp_path / "runs" / "t", 5)


def test_a_run_without_profiles_says_what_to_do(tmp_path):
    with pytest.raises(StoreError, match=r"is missing; first run: .* stage=profiles run=none"):
        held_out(tmp_path / "none", 5)


def test_few_held_out_characters_are_told_with_what_they_can_show():
    assert how_many(400) == "400 held-out characters are asked"
    assert "4 held-out characters are asked, which is few" in how_many(4)
    assert "to about 49% either way" in how_many(4)
