"""Test sets of others, in rows of our own words in their layouts."""

import json

import pytest

from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.errors import SourceError
from opencharacter.evaluation.expected import rouge_l
from opencharacter.evaluation.suites import load_suite
from opencharacter.records import Role

ROLE = {
    "role": "Ahab",
    "question": "What do you hunt?",
    "generated": ["A whale."],
    "type": "general",
}
CHINESE = {
    "id": 1,
    "role": "甲",
    "context": "乙：你好。\n甲：早。\n丙：吃了吗？\n乙：走吧。",
    "novel_name": "书",
}
SCENE = {
    "book": "B",
    "scenario": "A cold kitchen.",
    "tag": "ood",
    "major_characters": ["Ann"],
    "character_profiles": {"Ann": "Ann cooks."},
    "dialogues": [
        {"character": "Bob", "message": "[I am hungry.] Is there soup?"},
        {"character": "Ann", "message": "[He again.] No."},
        {"character": "Bob", "message": "Bread, then?"},
        {"character": "Ann", "message": "(sighs) Perhaps."},
    ],
}
NPC = {
    "id": 4,
    "background": "You play a character.",
    "npc_profile": {"name_text": "Marco", "long_definition_text": "A rival.", "title": "t"},
    "conversation": [{"from": "npc", "sentences": ["Let me in."]}],
}


def load(tmp_path, name, *rows, profiles=None, **settings):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if profiles is not None:
        (tmp_path / "profiles.json").write_text(json.dumps(profiles))
        settings["profiles"] = str(tmp_path / "profiles.json")
    config = SuiteConfig(name=SuiteName[name], path=str(path), **settings)
    return load_suite(config, tmp_path)


def test_role_bench_asks_a_role_and_keeps_the_reference(tmp_path):
    suite = load(tmp_path, "role_bench", ROLE, profiles={"Ahab": "A captain."})

    [item] = suite.items
    assert (item.persona, item.questions, item.task) == ("Ahab", ("What do you hunt?",), "general")
    assert "A captain." in item.system
    assert json.loads(item.answers[0]) == {"reference": "A whale."}
    assert suite.missing == ()


def test_a_role_without_a_description_is_rejected_by_name(tmp_path):
    [rejection] = load(tmp_path, "role_bench", ROLE, profiles={"Ishmael": "x"}).damaged

    assert (rejection.reason, "'Ahab'" in rejection.detail) == ("missing_key", True)


def test_a_chinese_dialogue_is_gone_on_with(tmp_path):
    suite = load(
        tmp_path, "character_eval", CHINESE, profiles={"甲": {"性格": "冷", "朋友": ["乙"]}}
    )

    [item] = suite.items
    assert [(m.role, m.content) for m in item.history] == [
        (Role.user, "乙：你好。"),
        (Role.assistant, "甲：早。"),
    ]
    assert item.questions == ("丙：吃了吗？\n乙：走吧。",)
    assert item.facts == ("性格: 冷", "朋友: 乙")
    assert "CharacterRM" in suite.missing[0]


def test_a_scene_is_played_to_a_main_character_s_last_line_without_others_thoughts(tmp_path):
    suite = load(tmp_path, "coser", SCENE)

    [item] = suite.items
    assert [m.content for m in item.history] == ["Bob: Is there soup?", "[He again.] No."]
    assert (item.questions, item.task) == (("Bob: Bread, then?",), "ood")
    assert "A cold kitchen." in item.system
    assert "not reproduced" in suite.missing[0]


def test_an_npc_begins_and_a_user_of_ours_goes_on(tmp_path):
    [item] = load(tmp_path, "rp_bench", NPC).items

    assert len(item.questions) == 5
    assert "Let me in." in item.system


@pytest.mark.parametrize("name", ["role_bench", "character_eval", "coser", "rp_bench"])
def test_other_rows_are_rejected_one_by_one_and_nothing_is_lost(tmp_path, name):
    bad = [{"foo": 1}, {"role": None}, {**SCENE, "major_characters": ["Zoe"]}, 7]
    suite = load(tmp_path, name, *bad, profiles={})

    assert len(suite.damaged) == suite.n_drawn == suite.n_lost == 4
    assert suite.items == ()


def test_characters_are_counted_as_characters_and_rows_as_rows(tmp_path):
    rows = [{**ROLE, "question": f"{n}?", "role": f"Role {n % 5}"} for n in range(20)]
    profiles = {f"Role {n}": "A sailor." for n in range(5)}
    suite = load(tmp_path, "role_bench", *rows, {}, profiles=profiles, n=21)

    assert (suite.n_personas, len(suite.people)) == (5, 5)
    assert (suite.unit, suite.n_drawn, suite.n_lost) == ("rows", 21, 1)


def test_a_list_in_a_file_called_jsonl_is_read(tmp_path):
    path = tmp_path / "test_data.jsonl"
    path.write_text(json.dumps([CHINESE], indent=4))
    (tmp_path / "p.json").write_text('{"甲": "x"}')
    config = SuiteConfig(
        name=SuiteName.character_eval, path=str(path), profiles=str(tmp_path / "p.json")
    )

    assert len(load_suite(config, tmp_path).items) == 1


def test_rows_are_drawn_and_doubles_told(tmp_path):
    suite = load(tmp_path, "role_bench", ROLE, ROLE, profiles={"Ahab": "A captain."})

    assert (len(suite.items), suite.missing) == (1, ("1 items that repeat others are played once",))
    with pytest.raises(SourceError, match="more than the 1 rows"):
        load(tmp_path, "coser", SCENE, n=2)


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("the cat sat", "the cat sat", 1.0),
        ("the cat sat down", "a cat sat", 4 / 7),
        ("sat cat", "cat sat", 0.5),
        ("吃饭了", "我吃饭", 4 / 6),
        ("", "x", 0.0),
    ],
)
def test_rouge_l_is_the_share_of_the_longest_common_sequence(answer, reference, value):
    assert rouge_l(answer, reference) == pytest.approx(value)
