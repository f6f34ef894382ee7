"""What a profile answer says, as JSON or as free text, or why it says nothing."""

import json

import pytest

from opencharacter.prompts.profile import FIELDS, render_profile
from opencharacter.synth.filters import Problem
from opencharacter.synth.profiles import read_json_profile, read_text_profile

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


def test_a_code_fence_around_json_is_allowed():
    assert read_json_profile(f"```json\n{changed()}\n```") == FIELDS_OF_ANA


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param('{"name": "Ana', "invalid_json", id="cut off"),
        pytest.param("[1, 2]", "invalid_json", id="a list"),
        pytest.param("[" * 100_000, "invalid_json", id="nested too deeply"),
        pytest.param(changed(race=None), "missing_field", id="null"),
        pytest.param(changed(name="  "), "missing_field", id="blank"),
        pytest.param(changed(name=["Ana"]), "wrong_type", id="list for text"),
        pytest.param(changed(age="young"), "bad_age", id="age in words"),
        pytest.param(changed(age=0), "bad_age", id="age zero"),
        pytest.param(changed(age=True), "bad_age", id="age true"),
        pytest.param(changed(personality="Calm.<|eot_id|>"), "control_tokens", id="control token"),
        pytest.param(changed(personality="Calm \ud83d."), "control_tokens", id="half an emoji"),
    ],
)
def test_an_unusable_profile_says_why(answer, reason):
    problem = read_json_profile(answer)

    assert isinstance(problem, Problem)
    assert problem.reason == reason


def test_an_age_with_words_around_the_number_is_read():
    assert read_json_profile(changed(age="34 years old"))["age"] == 34


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


def test_the_rendered_profile_begins_with_the_name_and_has_eight_lines():
    lines = render_profile(FIELDS_OF_ANA).splitlines()

    assert lines[0] == "Name: Ana Silva"
    assert len(lines) == len(FIELDS) == 8
