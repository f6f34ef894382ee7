import json
import tracemalloc

import pytest

from opencharacter.errors import ConfigError
from opencharacter.lint.rows import check_source, skipping
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
            {"messages": [{"role": "User", "content": [{"type": "text", "text": "hi"}]},
                          {"role": "assistant", "content": [{"type": "text", "text": "Hel"},
                                                            {"type": "text", "text": "lo."}]}]},
            {"messages": [{"role": "user", "content": "hi"},
                          {"role": "assistant", "content": "Hel\nlo."}]},
        ),
        (
            {"conversations": [{"from": "Human", "value": "hi"},
                               {"from": "chatgpt", "value": "Yo."}]},
            {"conversations": [{"from": "human", "value": "hi"},
                               {"from": "gpt", "value": "Yo."}]},
        ),
        (
            {"messages": json.dumps(GOOD["messages"]), "input persona": "A baker"},
            GOOD | {"input_persona": "A baker"},
        ),
        (
            {"system": "Be Ann.", "instruction": "so?", "input": "", "output": "",
             "history": [["hi", "Hello."], ["you?", "Ann.\r\nYes."]]},
            {"system": "Be Ann.", "instruction": "you?", "input": "", "output": "Ann.\nYes.",
             "history": [["hi", "Hello."]]},
        ),
        (
            {"instruction": "Add.\r\nNow.", "input": "1\r\n2", "output": "3", "system": " "},
            {"instruction": "Add.\nNow.", "input": "1\n2", "output": "3", "system": " "},
        ),
        (
            {"system": "Be Ann.", "conversations": [
                {"from": "human", "value": "hi"}, {"from": "gpt", "value": "Hello."},
                {"from": "system", "value": "Be Bob."}]},
            {"system": "Be Ann.", "conversations": [
                {"from": "human", "value": "hi"}, {"from": "gpt", "value": "Hello."}]},
        ),
        (
            {"messages": [*GOOD["messages"], {"role": "user", "content": "so?"}], "system": "x",
             "n": "\ud83d", "input": "None"},
            GOOD | {"system": "x", "n": "\ufffd", "input": None},
        ),
        (
            {"messages": [{"role": "user", "content": "so?"},
                          {"role": "assistant", "weight": 0, "content": "What?", "name": "x"},
                          {"role": "user", "content": "hi"}]},
            {"messages": [{"role": "user", "content": "so?"},
                          {"role": "assistant", "weight": 0, "content": "What?", "name": "x"}]},
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
    untrained = {"role": "assistant", "content": "Bad answer.", "weight": 0, "tool_calls": []}
    messages = {"messages": [{"role": "user", "content": "go"}, untrained], "tools": "[]"}
    said_none = {"instruction": "Say None.", "output": "None"}
    given = [GOOD, alpaca, lima, messages, said_none]

    rows = checked(tmp_path / "a.jsonl", *given)

    assert [problems(row) for row in rows] == [[], [], [], [], []]
    assert [row.mended for row in rows] == given


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"system": "You are {NAME}.", "instruction": "hi", "output": "Hello."},
         ["prompt_placeholder"]),
        ({"instruction": "so?", "output": "I sleep.",
          "history": [["hi", "As an AI language model, I cannot."]]}, ["breaks_character"]),
        ({"system": "You are {NAME}.", "conversations": ["hi", "Hello."]}, ["prompt_placeholder"]),
        ({"system": "You are {NAME}.",
          "messages": [{"role": "system", "content": "You are Ann."}, *GOOD["messages"]]}, []),
        ({"instruction": "hi", "output": "Hello.", "history": [["a"]]}, ["wrong_type"]),
        ({"synthesized text": "Go."}, ["key_with_space", "no_last_answer"]),
    ],
)  # fmt: skip
def test_every_column_that_is_a_turn_is_looked_at(tmp_path, row, found):
    (row,) = checked(tmp_path / "a.jsonl", row)

    assert problems(row) == found


def test_half_a_character_is_found_wherever_it_is_and_the_copy_has_none(tmp_path):
    asks, answers, calls = (json.loads(json.dumps(GOOD).replace(*pair)) for pair in (
        ("hi", "hi \\ud83d"), ("Hello.", "Hello \\ud83d."), ("user", "us\\ud83der"),
    ))  # fmt: skip

    rows = checked(tmp_path / "a.jsonl", asks, answers, calls)

    assert [problems(row) for row in rows] == [
        ["lone_surrogate"], ["lone_surrogate", "control_tokens"],
        ["lone_surrogate", "unknown_role"],
    ]  # fmt: skip
    assert [row.mended["messages"][0]["content"] for row in rows[:1]] == ["hi \ufffd"]
    assert rows[1].mended is rows[2].mended is None
    assert "\ud83d" not in "".join(found.detail for row in rows for found in row.findings)


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


def test_a_string_that_holds_no_list_is_of_the_wrong_type_and_not_encoded(tmp_path):
    (row,) = checked(tmp_path / "a.jsonl", {"messages": "User: hi Assistant: ho"})

    assert problems(row) == ["wrong_type"]


def test_parts_that_are_not_all_text_are_left_out(tmp_path):
    parts = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}]

    (row,) = checked(tmp_path / "a.jsonl", {"messages": [{"role": "user", "content": parts}]})

    assert (problems(row), row.mended) == (["wrong_type"], None)


def test_of_a_list_that_breaks_off_the_entries_before_are_looked_at(tmp_path):
    path = tmp_path / "half.json"
    path.write_text(f'[{json.dumps(GOOD)},\n{{"messages": [{{"ro')

    rows = list(check_source(open_source(str(path))))

    assert [row.place for row in rows] == ["half.json:1#1", "half.json:2"]
    assert [problems(row) for row in rows] == [[], ["broken_json"]]
    assert rows[1].findings[0].detail == "column 16: Unterminated string; all behind it is lost"


def test_the_second_of_two_equal_dialogues_is_left_out(tmp_path):
    shouted = json.loads(json.dumps(GOOD).replace("Hello.", " HELLO.  "))

    first, second = checked(tmp_path / "a.jsonl", GOOD, shouted)

    assert (problems(first), problems(second)) == ([], ["duplicate"])
    assert second.findings[0].detail == "the same text as a.jsonl:1"
    assert (first.mended, second.mended) == (GOOD, None)


def test_a_dialogue_that_begins_alike_in_train_and_test_is_a_leak(tmp_path):
    longer = {"messages": [*GOOD["messages"], *json.loads(json.dumps(GOOD["messages"]))]}
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "test.jsonl").write_text(json.dumps(GOOD) + "\n")
    (tmp_path / "d" / "train.jsonl").write_text(json.dumps(longer) + "\n")

    rows = list(check_source(open_source(str(tmp_path / "d"), "")))

    assert [problems(row) for row in rows] == [[], ["split_leak"]]
    assert "d/test.jsonl:1" in rows[1].findings[0].detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"conversations": ["Is x < 5?", "No."]}, {"conversations": ["Is x > 5?", "No."]}),
        (GOOD | {"system": "Be Ann."}, GOOD | {"system": "Be Bob."}),
    ],
)  # fmt: skip
def test_rows_that_differ_in_a_sign_or_the_system_prompt_are_not_equal(tmp_path, one, other):
    assert [problems(row) for row in checked(tmp_path / "a.jsonl", one, other)] == [[], []]


def test_the_split_is_the_files_even_in_a_folder_that_is_named_like_one(tmp_path):
    folder = tmp_path / "train_data"
    folder.mkdir()
    for name in ("test", "valid"):
        (folder / f"{name}.jsonl").write_text(json.dumps(GOOD) + "\n")

    rows = list(check_source(open_source(str(folder), ""), ["duplicate"]))

    assert [problems(row) for row in rows] == [[], ["split_leak"]]
    assert "in 'test'; this is 'valid'" in rows[1].findings[0].detail


def test_memory_grows_by_less_than_200_bytes_a_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"conversations": ["{n}?", "{n}."]}}\n' for n in range(2_000)))
    held = []
    tracemalloc.start()
    for number, _ in enumerate(check_source(open_source(str(path), ""))):
        if number in (500, 1_500):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert (held[1] - held[0]) / 1_000 < 200


def test_a_problem_that_does_not_exist_cannot_be_skipped():
    assert skipping(["control_tokens", "duplicate"]) == {"control_tokens", "duplicate"}
    with pytest.raises(ConfigError, match=r"names control_token; choose from .*control_tokens"):
        skipping(["control_token"])


def test_skipped_problems_are_not_mended_either(tmp_path):
    row = {"input persona": "p", **GOOD}

    (found,) = checked(tmp_path / "a.jsonl", row, skip=["key_with_space"])

    assert (found.findings, found.mended) == ([], row)
