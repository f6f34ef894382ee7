import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opencharacter.errors import SourceError
from opencharacter.mix.suites import Suite, find_suites, read_suite


def items_of(path):
    return list(read_suite(Suite("s", path)))


def test_a_file_for_each_persona_is_read_as_personagym_has_it(tmp_path):
    tasks = {"Expected Action": ["What now?", "And then?"], "Toxicity": ["Why?"]}
    (tmp_path / "A baker from Lima.json").write_text(json.dumps(tasks, indent=2))

    items = items_of(tmp_path)

    assert [item.persona for item in items] == ["A baker from Lima"] * 3
    assert [item.questions for item in items] == [("What now?",), ("And then?",), ("Why?",)]
    assert items[1].place == "A baker from Lima.json: Expected Action 2"


@pytest.mark.parametrize(
    ("row", "questions", "answers", "persona"),
    [
        pytest.param(
            {"persona": "P", "questions": ["a", "b"]}, ("a", "b"), (), "P", id="questions"
        ),
        pytest.param(
            {"character": "P", "questions": {"easy": ["a"], "hard": ["b"]}},
            ("a", "b"),
            (),
            "P",
            id="questions by task",
        ),
        pytest.param({"turns": ["a", "b"], "reference": ["c"]}, ("a", "b"), ("c",), "", id="turns"),
        pytest.param(
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}]},
            ("a",),
            ("c",),
            "",
            id="messages",
        ),
        pytest.param(
            {"instruction": "a", "input": "", "output": "c"}, ("a",), ("c",), "", id="alpaca"
        ),
        pytest.param({"persona": "P"}, (), (), "P", id="persona alone"),
    ],
)
def test_a_row_is_read_in_any_usual_layout(tmp_path, row, questions, answers, persona):
    (tmp_path / "s.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "t.json").write_text(json.dumps([row], indent=1))

    for item in items_of(tmp_path / "s.jsonl") + items_of(tmp_path / "t.json"):
        assert (item.questions, item.answers, item.persona) == (questions, answers, persona)


def test_parquet_is_read_and_the_place_has_the_row_s_own_id(tmp_path):
    pq.write_table(pa.table({"question_id": [81], "prompt": ["Write."]}), tmp_path / "q.parquet")

    assert [i.place for i in items_of(tmp_path / "q.parquet")] == ["q.parquet#1 (81)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"foo": 1}', "neither a persona", id="unknown keys"),
        pytest.param('{"question": " "}', "neither a persona", id="empty question"),
        pytest.param('{"question": "a"}\n{broken', r"s\.jsonl:2 .*broken_json", id="broken line"),
        pytest.param("", "has no items", id="empty file"),
    ],
)
def test_a_suite_that_is_not_read_whole_is_an_error(tmp_path, text, message):
    (tmp_path / "s.jsonl").write_text(text)

    with pytest.raises(SourceError, match=message):
        items_of(tmp_path / "s.jsonl")


def test_the_project_s_suites_are_found_once_they_exist(tmp_path):
    assert find_suites(["eval"], eval_dir=tmp_path) == []
    (tmp_path / "suites" / "persona_gym").mkdir(parents=True)
    (tmp_path / "suites" / "role_bench.jsonl").touch()
    (tmp_path / "suites" / "README.md").touch()

    found = find_suites(["eval"], eval_dir=tmp_path)

    assert [suite.name for suite in found] == ["persona_gym", "role_bench"]


def test_a_missing_suite_is_an_error_and_so_are_two_of_one_name(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "s.jsonl").touch()

    with pytest.raises(SourceError, match="no evaluation suite at"):
        find_suites([str(tmp_path / "none")])
    with pytest.raises(SourceError, match="two evaluation suites are called s"):
        find_suites([str(tmp_path / "a" / "s.jsonl"), str(tmp_path / "b" / "s.jsonl")])


def test_the_project_s_own_suites_are_read_whole():
    suites = {suite.name: list(read_suite(suite)) for suite in find_suites(["eval"])}

    assert {name: len(items) > 3 for name, items in suites.items()} == {
        "general_answers": True,
        "multi_turn": True,
        "retention": True,
    }
    assert all(item.questions for items in suites.values() for item in items)


def test_templates_are_no_secret_that_a_mixture_is_held_against():
    texts = [
        question
        for suite in find_suites(["eval"])
        for item in read_suite(suite)
        for question in item.questions
    ]

    assert "What is your name?" not in texts
