"""Schemas accept what the prompts ask for and nothing else."""

import json

from opencharacter.prompts.fact_check import fact_check_prompt, fact_check_schema
from opencharacter.prompts.profile import FIELDS, LABELS, profile_prompt, profile_schema
from opencharacter.prompts.rewrite import dialogue_json, rewrite_schema
from tests.checks.people import KEEPER


def test_the_profile_schema_asks_for_exactly_the_eight_fields_in_order():
    schema = profile_schema()

    assert list(schema["properties"]) == list(FIELDS) == schema["required"]
    assert schema["additionalProperties"] is False


def test_the_persona_stands_last_so_that_all_prompts_share_a_prefix():
    prompt = profile_prompt("A baker", name_hints=["Ana Silva", "Bo Li"])

    assert prompt.endswith("# Persona\nA baker")
    assert "Ana Silva, Bo Li." in prompt


def test_free_text_is_asked_for_under_the_headings_that_are_looked_for():
    prompt = profile_prompt("A baker", as_json=False)

    assert all(f"\n- {label}: " in prompt for label in LABELS.values())
    assert prompt.endswith("# Persona\nA baker")


def test_the_rewrite_schema_fixes_the_user_turns():
    turns = rewrite_schema(["a", 'b "quoted"'])["properties"]["dialogue"]

    assert [t["properties"]["user"]["const"] for t in turns["prefixItems"]] == ["a", 'b "quoted"']
    assert turns["minItems"] == turns["maxItems"] == 2


def test_a_dialogue_is_shown_in_the_form_that_is_asked_for():
    shown = json.loads(dialogue_json(["a"], ['b\n"c"']))

    assert shown == {"dialogue": [{"user": "a", "assistant": 'b\n"c"'}]}


def test_a_verdict_is_a_bounded_list_of_pairs_of_bounded_quotations():
    listed = fact_check_schema()["properties"]["contradictions"]

    assert listed["maxItems"] == 4
    assert listed["items"]["required"] == list(listed["items"]["properties"]) == ["said", "fact"]
    assert all(each["maxLength"] == 160 for each in listed["items"]["properties"].values())


def test_the_fact_check_shows_task_character_and_dialogue_in_this_order():
    prompt = fact_check_prompt(KEEPER, ["Who?"], ["Me."])

    parts = [
        '{"contradictions": []}',
        KEEPER.persona,
        KEEPER.profile,
        '{"user": "Who?"',
        "List the",
    ]
    places = [prompt.index(part) for part in parts]
    assert places == sorted(places)
