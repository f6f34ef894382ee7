"""What a profile answer says, as JSON or as free text, or why it says nothing."""

import json

import pytest

from opencharacter.checks.problem import Problem
from opencharacter.config import ProfilesConfig
from opencharacter.llm.requests import Completion, Finish
from opencharacter.prompts.profile import FIELDS, render_profile
from opencharacter.records import Character, Persona, Rejection, Split
from opencharacter.synth.asking import Asker
from opencharacter.synth.names import excluded_names
from opencharacter.synth.profiles import read_json_profile, read_text_profile, write_profile

FIELDS_OF_ANA = {
    "name": "Ana Silva",
    "age": 34,
    "gender": "female",
    "race": "Brazilian",
    "birth_place": "Recife, Brazil",
    "appearance": "Tall, with short hair.",
    "experience": "Welds ships. Studied at night.",
    "personality": "Calm.",
}


def changed(**changes):
    return json.dumps({**FIELDS_OF_ANA, **changes})


def test_json_gives_exactly_the_eight_fields():
    answer = changed(hobby="chess")

    assert read_json_profile(answer) == FIELDS_OF_ANA


@pytest.mark.parametrize("before", ["", "Here is the JSON:\n\n"])
def test_a_code_fence_around_json_is_allowed(before):
    assert read_json_profile(f"{before}```json\n{changed()}\n```") == FIELDS_OF_ANA


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param('{"name": "Ana', "invalid_json", id="cut off"),
        pytest.param("[1, 2]", "invalid_json", id="a list"),
        pytest.param("[" * 100_000, "invalid_json", id="nested too deeply"),
        pytest.param(changed(race=None), "missing_field", id="null"),
        pytest.param(changed(name="  "), "missing_field", id="blank"),
        pytest.param(changed(name="$ipe Queiroz"), "bad_name", id="a sign in a name"),
        pytest.param(changed(name="[Name]"), "bad_name", id="a name nobody filled in"),
        pytest.param(changed(name="None"), "bad_name", id="no name"),
        pytest.param(changed(name="4711"), "bad_name", id="a number"),
        pytest.param(changed(name=["Ana"]), "wrong_type", id="list for text"),
        pytest.param(changed(age="young"), "bad_age", id="age in words"),
        pytest.param(changed(age=0), "bad_age", id="age zero"),
        pytest.param(changed(age=34.5), "bad_age", id="age with a half"),
        pytest.param(changed(age=float("inf")), "bad_age", id="age without end"),
        pytest.param(changed(age=True), "bad_age", id="age true"),
        pytest.param(changed(personality="Calm.<|eot_id|>"), "control_tokens", id="control token"),
        pytest.param(changed(personality="Calm \ud83d."), "control_tokens", id="half an emoji"),
    ],
)
def test_an_unusable_profile_says_why(answer, reason):
    problem = read_json_profile(answer)

    assert isinstance(problem, Problem)
    assert problem.reason == reason


@pytest.mark.parametrize(
    "name", ["R2-D2", "María-José O’Neill", "Dr. Ann (Annie) Lee, Jr.", "李娜", "X Æ A-12", "Noné"]
)
def test_a_name_may_be_strange(name):
    found = read_json_profile(changed(name=name))

    assert found == {**FIELDS_OF_ANA, "name": name}


def test_an_age_with_words_around_the_number_is_read():
    assert read_json_profile(changed(age="34 years old"))["age"] == 34


def test_an_age_with_a_decimal_point_is_whole():
    assert read_json_profile(changed(age=34.0)) == FIELDS_OF_ANA


def test_the_rendered_profile_is_read_back_as_free_text():
    assert read_text_profile(render_profile(FIELDS_OF_ANA)) == FIELDS_OF_ANA


def test_markdown_headings_and_values_over_several_lines_are_read():
    text = """Here is the character:

1. **Name:** Ana Silva
2. **Age:** 34 years old
- *Gender*: female
### Race: Brazilian
Birth place: Recife, Brazil
**Appearance**: Tall,
with short hair.
General experience: Welds ships.
Studied at night.
Personality: Calm."""

    assert read_text_profile(text) == FIELDS_OF_ANA


def test_free_text_without_a_field_says_which():
    problem = read_text_profile("Name: Ana\nAge: 34")

    assert problem.reason == "missing_field"
    assert "personality" in problem.detail


def test_free_text_without_any_heading_lacks_every_field():
    problem = read_text_profile("I would rather talk about the weather.")

    assert problem == Problem("missing_field", f"no {', '.join(FIELDS)}")


def in_free_text(*replies, excluded=()):
    """Ask for a profile in free text; return the prompt, and what comes of the replies."""
    settings = ProfilesConfig(as_json=False, retries=len(replies) - 1)
    asker = Asker(
        key="p",
        record_id="p",
        stage="profiles",
        seed=0,
        sampling=settings.sampling,
        retries=settings.retries,
        model="m@1",
        engine="e",
    )
    persona = Persona(
        source="s", text="A welder", licence="CC0", split=Split.train, cluster="c", origin="s:1"
    )
    session = write_profile(
        persona,
        asker,
        as_json=settings.as_json,
        name_hints=["Ana Silva"],
        excluded=excluded_names(excluded, ""),
    )
    request = next(session)
    try:
        for text in replies:
            session.send(Completion(text=text, finish=Finish.stop))
    except StopIteration as end:
        return request, end.value


def test_a_profile_in_free_text_is_asked_for_as_such_and_read():
    request, character = in_free_text("No.", render_profile(FIELDS_OF_ANA))

    prompt = request.messages[0].content
    assert request.schema is None
    assert "JSON" not in prompt
    assert "- Birth Place: city and country\n" in prompt
    assert isinstance(character, Character)
    assert (character.name, character.age) == ("Ana Silva", 34)


def test_free_text_that_stays_without_headings_is_a_rejection():
    _, rejection = in_free_text("No.", "No, I say.")

    assert isinstance(rejection, Rejection)
    assert (rejection.reason, rejection.attempts) == ("missing_field", 2)


def test_an_excluded_name_is_asked_again_and_then_rejected():
    ana, bea = (render_profile(FIELDS_OF_ANA | {"name": name}) for name in ("Ana Silva", "Bea Bo"))

    _, character = in_free_text(ana, bea, excluded=["Silva"])
    _, rejection = in_free_text(ana, ana, excluded=["Ana Silva"])

    assert character.name == "Bea Bo"
    assert (rejection.reason, rejection.detail) == ("excluded_name", "ana silva is excluded")


def test_the_rendered_profile_begins_with_the_name_and_has_eight_lines():
    lines = render_profile(FIELDS_OF_ANA).splitlines()

    assert lines[0] == "Name: Ana Silva"
    assert len(lines) == len(FIELDS) == 8
