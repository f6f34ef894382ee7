import json

import pytest

from opencharacter.lint.rows import check_source
from opencharacter.sources.rows import open_source


def checked(path, *rows, skip=()):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return list(check_source(open_source(str(path), ""), skip))


def problems(row):
    return [finding.problem for finding in row.findings]


GOOD = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]}


@pytest.mark.parametrize(
    ("row", "mended"),
    [
        (
            {"conversations": [{"from": "gpt", "value": "?"}, {"from": "human", "value": "hi"},
                               {"from": "gpt", "value": "Hello."}], "id": 7},
            {"conversations": [{"from": "human", "value": "hi"},
                               {"from": "gpt", "value": "Hello."}], "id": 7},
        ),
        (
            {"conversations": ["hi", "Hello.", "so?"]},
            {"conversations": ["hi", "Hello."]},
        ),
        (
            {"instruction": "Say hi.", "input": "To Ann.", "output": "Hi, Ann.", "domain": "None"},
            {"instruction": "Say hi.", "input": "To Ann.", "output": "Hi, Ann.", "domain": None},
        ),
        (
            {"messages": json.dumps(GOOD["messages"]), "input persona": "A baker"},
            GOOD | {"input_persona": "A baker"},
        ),
    ],
)  # fmt: skip
def test_a_mended_row_keeps_its_layout_and_other_columns(tmp_path, row, mended):
    (found,) = checked(tmp_path / "a.jsonl", row)

    assert found.findings
    assert found.mended == mended
    (again,) = checked(tmp_path / "b.jsonl", found.mended)
    assert again.findings == []


def test_rows_without_a_problem_stay_as_they_are(tmp_path):
    alpaca = {"instruction": "Say hi.", "input": "", "output": "Hi."}
    lima = {"conversations": ["so?", "So what?"], "source": "x"}

    rows = checked(tmp_path / "a.jsonl", GOOD, alpaca, lima)

    assert [problems(row) for row in rows] == [[], [], []]
    assert [row.mended for row in rows] == [GOOD, alpaca, lima]


def test_unreadable_rows_are_findings_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [b"{broken", b"[]", b'{"a": "\xff"}', b'{"x": 1}', json.dumps(GOOD).encode()]
    path.write_bytes(b"\n".join(lines))

    rows = list(check_source(open_source(str(path), "")))

    assert [problems(row) for row in rows] == [
        ["broken_json"], ["wrong_type"], ["invalid_utf8"], ["unknown_layout"], [],
    ]  # fmt: skip
    assert [row.place for row in rows] == [f"a.jsonl:{number}" for number in range(1, 6)]
    assert [row.mended for row in rows] == [None, None, None, None, GOOD]


def test_a_row_inside_a_string_is_decoded(tmp_path):
    (row,) = checked(tmp_path / "a.jsonl", json.dumps(GOOD))

    assert problems(row) == ["encoded_twice"]
    assert row.mended == GOOD


def test_the_second_of_two_equal_dialogues_is_left_out(tmp_path):
    shouted = json.loads(json.dumps(GOOD).replace("Hello.", "HELLO!"))

    first, second = checked(tmp_path / "a.jsonl", GOOD, shouted)

    assert (problems(first), problems(second)) == ([], ["duplicate"])
    assert second.findings[0].detail == "the same words as a.jsonl:1"
    assert (first.mended, second.mended) == (GOOD, None)


def test_a_dialogue_that_begins_alike_in_train_and_test_is_a_leak(tmp_path):
    longer = {"messages": [*GOOD["messages"], *json.loads(json.dumps(GOOD["messages"]))]}
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "test.jsonl").write_text(json.dumps(GOOD) + "\n")
    (tmp_path / "d" / "train.jsonl").write_text(json.dumps(longer) + "\n")

    rows = list(check_source(open_source(str(tmp_path / "d"), "")))

    assert [problems(row) for row in rows] == [[], ["split_leak"]]
    assert "d/test.jsonl:1" in rows[1].findings[0].detail


def test_skipped_problems_are_not_mended_either(tmp_path):
    row = {"input persona": "p", **GOOD}

    (found,) = checked(tmp_path / "a.jsonl", row, skip=["key_with_space"])

    assert (found.findings, found.mended) == ([], row)
