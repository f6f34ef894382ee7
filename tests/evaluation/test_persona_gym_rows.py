"""PersonaGym's questions in rows, a persona or a question each, in place of a folder of files."""

import json
from collections import Counter

from tests.evaluation.gym import PEOPLE, questions_of, write_gym
from tests.evaluation.test_persona_gym import read


def rows_of(tmp_path, name, rows):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_give_the_items_that_files_give(tmp_path):
    files = read(write_gym(tmp_path / "gym"))
    singly = rows_of(
        tmp_path,
        "singly.jsonl",
        [
            {"persona": persona, "task": task, "question": question}
            for persona in PEOPLE
            for task, questions in questions_of(persona).items()
            for question in questions
        ],
    )
    whole = [{"persona": persona, **questions_of(persona)} for persona in PEOPLE]

    wanted = {(item.persona, item.task, item.questions) for item in files.items}
    for path in (singly, rows_of(tmp_path, "whole.jsonl", whole)):
        suite = read(path)
        assert {(item.persona, item.task, item.questions) for item in suite.items} == wanted
        assert {item.id for item in suite.items} == {item.id for item in files.items}
        assert suite.damaged == ()


def test_bad_rows_and_half_personas_are_rejected(tmp_path):
    rows = [
        {"persona": PEOPLE[0], **questions_of(PEOPLE[0])},
        {"persona": PEOPLE[0], **questions_of(PEOPLE[0])},
        {"persona": PEOPLE[1], "task": "Toxicity", "question": "Only one?"},
        {"persona": 7},
        {"persona": PEOPLE[2]},
        [],
    ]
    suite = read(rows_of(tmp_path, "rows.jsonl", rows))

    assert (len(suite.items), suite.n_personas, suite.n_drawn) == (50, 2, 2)
    assert Counter(row.reason for row in suite.damaged) == {
        "missing_task": 1,
        "duplicate": 1,
        "missing_key": 2,
        "wrong_type": 1,
    }


def test_a_row_that_is_a_whole_persona_and_cannot_be_read_is_a_persona_lost(tmp_path):
    whole = [{"persona": persona, **questions_of(persona)} for persona in PEOPLE]
    path = rows_of(tmp_path, "rows.jsonl", [*whole, {"persona": 7}, whole[0]])
    path.write_text(path.read_text() + '{"persona": "A baker", "Toxi')
    suite = read(path)

    assert (len(suite.people), suite.n_personas, suite.n_drawn) == (3, 5, 5)
    assert [row.reason for row in suite.damaged] == ["missing_key", "broken_json", "duplicate"]
