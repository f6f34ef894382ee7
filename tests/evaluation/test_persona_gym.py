"""PersonaGym's question files: whole ones become items, others rejections that say why."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from opencharacter.config import Mode, SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.persona_gym import read_persona_gym
from tests.evaluation.gym import PEOPLE, TASKS, questions_of, write_gym


def read(folder, **settings):
    return read_persona_gym(SuiteConfig(path=str(folder), **settings))


def rejection_of(tmp_path, raw):
    """Return the one rejection of a file that holds `raw`, beside two whole files."""
    folder = write_gym(tmp_path / "gym", PEOPLE[:2])
    broken = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    (folder / f"{PEOPLE[2]}.json").write_bytes(broken)
    suite = read(folder)
    assert len(suite.items) == 2 * 50
    [rejection] = suite.damaged
    assert rejection.key == f"{PEOPLE[2]}.json"
    return rejection


def changed(**tasks):
    """Return whole questions with some tasks replaced; `Action_Justification=` names one."""
    return questions_of(PEOPLE[2]) | {name.replace("_", " "): v for name, v in tasks.items()}


WHOLE = json.dumps(questions_of(PEOPLE[2])).encode()
TEN = questions_of(PEOPLE[2])["Toxicity"]
DAMAGED = {
    "nothing in it": (b"", "empty", "the file is empty"),
    "white space alone": (b" \n\t\n", "empty", "the file is empty"),
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], "broken_json", "Unterminated string"),
    "a comma too many": (WHOLE[:-1] + b",}", "broken_json", "double quotes"),
    "two objects": (WHOLE + WHOLE, "broken_json", "Extra data"),
    "a page of HTML": (b"<html>Not found</html>", "broken_json", "Expecting value"),
    "zero bytes": (b"\0" * 400, "broken_json", "Expecting value"),
    "not UTF-8": (WHOLE.replace(b"sk", b"\xff\xfe", 1) + b"\xff", "invalid_utf8", "0xff"),
    "too long": (b'{"a": "' + b"x" * 1_000_001 + b'"}', "too_long", "1,000,010 bytes"),
    "deeply nested": (b"[" * 100_000, "broken_json", "recursion"),
    "a list": ([1, 2], "wrong_type", "it holds a list"),
    "null": (None, "wrong_type", "it holds a NoneType"),
    "a task missing": (
        dict.fromkeys(TASKS[1:], TEN),
        "missing_task",
        "lacks 'Expected Action'",
    ),
    "a task by another name": (
        {task.lower(): TEN for task in TASKS},
        "missing_task",
        "lacks 'Action Justification'",
    ),
    "a task too many": (changed(Extra=TEN), "unknown_task", "'Extra' is no task"),
    "a task twice": (
        WHOLE[:-1] + b', "Toxicity": []}',
        "duplicate_task",
        "'Toxicity' stands in it twice",
    ),
    "a text for a list": (changed(Toxicity="What?"), "wrong_type", "'Toxicity' is a str"),
    "nine questions": (changed(Toxicity=TEN[:9]), "wrong_number", "'Toxicity' has 9 questions"),
    "eleven questions": (changed(Toxicity=[*TEN, "And?"]), "wrong_number", "has 11 questions"),
    "a number for a question": (
        changed(Toxicity=[*TEN[:9], 7]),
        "wrong_type",
        "'Toxicity' 10 is a int",
    ),
    "an empty question": (changed(Toxicity=[*TEN[:9], " \u200b"]), "empty_question", "10 is empty"),
    "a question twice": (
        changed(Toxicity=[*TEN[:9], TEN[0]]),
        "duplicate_question",
        "'Toxicity' 10 is question 1 again",
    ),
    "a character lost in decoding": (
        changed(Toxicity=[*TEN[:9], "Don\ufffdt you?"]),
        "lost_characters",
        "'Toxicity' 10: 1 were lost",
    ),
    "a blank that nobody filled in": (
        changed(Toxicity=[*TEN[:9], "What would {persona} do?"]),
        "placeholder",
        "nobody filled in '{persona}'",
    ),
    "a chat template's token": (
        changed(Toxicity=[*TEN[:9], "Hi<|eot_id|>"]),
        "control_tokens",
        "<|eot_id|>",
    ),
    "half a character": (
        changed(Toxicity=[*TEN[:9], "Hi \ud83d"]),
        "invalid_utf8",
        "no character of Unicode",
    ),
}


@pytest.mark.parametrize(("raw", "reason", "detail"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_left_out_whole_and_says_why(tmp_path, raw, reason, detail):
    rejection = rejection_of(tmp_path, raw)

    assert (rejection.reason, detail in rejection.detail) == (reason, True), rejection.detail


def test_all_that_is_wrong_with_a_file_is_told(tmp_path):
    value = changed(Toxicity=[*TEN[:6], 7, "", [], "{user}", "And?"], Linguistic_Habits=None)
    value.pop("Expected Action")

    assert rejection_of(tmp_path, value).detail.split("; ") == [
        "it lacks 'Expected Action'",
        "'Toxicity' 7 is a int, not a text",
        "'Toxicity' 8 is empty",
        "'Toxicity' 9 is a list, not a text",
        "'Toxicity' 10: nobody filled in '{user}'",
        "'Toxicity' has 11 questions, suite.questions says 10",
        "'Linguistic Habits' is a NoneType, not a list of questions",
    ]


def test_a_whole_file_gives_fifty_items_of_its_persona(tmp_path):
    suite = read(write_gym(tmp_path / "gym", PEOPLE[:1]))

    assert Counter(item.task for item in suite.items) == {
        "expected_action": 10,
        "toxicity_control": 10,
        "linguistic_habits": 10,
        "persona_consistency": 10,
        "action_justification": 10,
    }
    assert {item.persona for item in suite.items} == {PEOPLE[0]}
    assert all(PEOPLE[0] in item.system for item in suite.items)
    assert len({item.id for item in suite.items}) == 50


def test_a_byte_order_mark_does_no_harm(tmp_path):
    folder = write_gym(tmp_path / "gym", PEOPLE[:1])
    path = folder / f"{PEOPLE[0]}.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(read(folder).items) == 50


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out_and_says_so(tmp_path):
    folder = write_gym(tmp_path / "gym")
    (folder / f"{PEOPLE[0]}.json").chmod(0)

    [rejection] = read(folder).damaged
    assert rejection.reason == "unreadable"


def test_a_folder_and_a_dead_link_by_the_name_of_a_file_are_told(tmp_path):
    folder = write_gym(tmp_path / "gym")
    (folder / "a folder.json").mkdir()
    (folder / "a link.json").symlink_to(tmp_path / "gone")

    assert [row.reason for row in read(folder).damaged] == ["unreadable", "unreadable"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("A sailor", "wrong_name"),
        ("A sailor.json.bak", "wrong_name"),
        (".A sailor.json", "wrong_name"),
        ("A sailor.jsonl", "wrong_name"),
        (" .json", "empty_persona"),
        ("A sailor<|eot_id|>.json", "control_tokens"),
        ("A\nsailor.json", "hidden_characters"),
        ("A sailor .json", "hidden_characters"),
        ("A sai\u200blor.json", "hidden_characters"),
        (f"{PEOPLE[0]}.JSON", "duplicate"),
        ("A sail\udcffor.json", "invalid_utf8"),
    ],
)
def test_a_file_by_a_wrong_name_is_left_out_and_says_so(tmp_path, name, reason):
    folder = write_gym(tmp_path / "gym", PEOPLE[:1])
    (folder / name).write_bytes(WHOLE)
    (folder / "README.md").write_text("What lies here.")
    suite = read(folder)

    is_no_persona = reason in ("wrong_name", "duplicate")
    told, others = (suite.beside, suite.damaged)[:: 1 if is_no_persona else -1]
    assert ([row.reason for row in told], others) == ([reason], ())
    assert (len(suite.items), len(suite.people)) == (50, 1)
    assert suite.n_personas == suite.n_drawn == (1 if is_no_persona else 2)


@pytest.mark.parametrize("mode", Mode)
def test_the_first_personas_are_taken_by_name(tmp_path, mode):
    folder = write_gym(tmp_path / "gym", [f"Baker {n:02}" for n in reversed(range(30))])
    people = [one.persona for one in read(folder, n=3, mode=mode).items[::50]]

    assert people == ["Baker 00", "Baker 01", "Baker 02"]


def test_light_is_the_first_question_of_each_task(tmp_path):
    folder = write_gym(tmp_path / "gym", [f"Baker {n:02}" for n in range(30)])
    first = read(folder, light=True).items

    assert len(first) == 30 * 5
    assert {item.questions[0][-2:] for item in first} == {"0?"}
    assert {item.id for item in first} < {item.id for item in read(folder).items}


def test_light_is_a_suite_of_its_own_name(tmp_path):
    whole = read(write_gym(tmp_path / "gym")).name
    light = read(tmp_path / "gym", light=True).name
    authors = read(write_gym(tmp_path / "light", n=1), questions=1).name

    assert whole.partition("@")[0] == "persona_gym"
    assert light == whole.replace("persona_gym@", "persona_gym_light@")
    assert authors.startswith("persona_gym_light@")


def test_the_light_files_of_the_paper_are_read_as_one_question_each(tmp_path):
    folder = write_gym(tmp_path / "gym", n=1)

    assert len(read(folder, questions=1).items) == 3 * 5
    assert [row.reason for row in read(folder).damaged] == ["wrong_number"] * 3


def test_a_part_of_the_suite_says_what_part(tmp_path):
    folder = write_gym(tmp_path / "gym")
    (folder / f"{PEOPLE[0]}.json").write_text("")
    suite = read(folder, n=2, mode=Mode.compat)

    assert (suite.n_personas, suite.n_drawn, len(suite.people)) == (3, 2, 1)
    assert suite.missing == (
        f"2 of the 200 published personas are in {folder}",
        "suite.n=2 of 3 personas are played",
        "the questions of 1 of 2 personas are damaged and left out",
    )


def test_questions_under_another_persona_s_name_are_told(tmp_path):
    folder = write_gym(tmp_path / "gym")
    shutil.copy(folder / f"{PEOPLE[0]}.json", folder / f"{PEOPLE[2]}.json")

    assert read(folder).missing[1:] == (
        "1 personas have the very questions of another, such as "
        "'A 30-year-old baker from Oslo' and 'A shy bell ringer'",
    )


def test_all_of_the_published_suite_lacks_nothing(tmp_path):
    folder = write_gym(tmp_path / "gym", [f"Baker {n:03}" for n in range(200)])

    assert read(folder).missing == ()


def test_what_lies_beside_the_questions_changes_neither_items_nor_draw_nor_suite(tmp_path):
    folder = write_gym(tmp_path / "gym")
    alone, few = read(folder), read(folder, n=2)
    for name in (".DS_Store", "README.md", "00 notes.txt"):
        (folder / name).write_text("Nothing to ask.")
    (folder / "00 old").mkdir()
    beside, few_beside = read(folder), read(folder, n=2)

    assert (alone.name, alone.items, alone.missing) == (beside.name, beside.items, beside.missing)
    assert few.items == few_beside.items
    assert (beside.n_personas, few_beside.n_drawn) == (3, 2)
    told = {"00 notes.txt": "wrong_name", "00 old": "wrong_name"}
    assert ({row.key: row.reason for row in beside.beside}, beside.damaged) == (told, ())


def test_an_item_is_the_same_whatever_becomes_of_the_others(tmp_path):
    folder = write_gym(tmp_path / "gym")
    whole = read(folder)
    (folder / f"{PEOPLE[0]}.json").write_text("{")
    rest = read(folder)

    assert rest.name != whole.name  # another work, but of the same items
    assert [item.id for item in rest.items] == [item.id for item in whole.items[50:]]
    assert read(write_gym(tmp_path / "one", PEOPLE[2:])).items == whole.items[100:]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that nobody may read")
def test_a_file_that_fails_to_be_read_is_left_out_by_whoever_asks(tmp_path):
    folder = write_gym(tmp_path / "gym")
    (folder / f"{PEOPLE[0]}.json").unlink()
    (folder / f"{PEOPLE[0]}.json").symlink_to("/proc/self/mem")  # root may not either

    [rejection] = read(folder).damaged
    assert (rejection.key, rejection.reason) == (f"{PEOPLE[0]}.json", "unreadable")


def test_other_questions_are_another_suite(tmp_path):
    name = read(write_gym(tmp_path / "a")).name

    assert read(write_gym(tmp_path / "b")).name == name
    assert read(write_gym(tmp_path / "c", PEOPLE[:2])).name != name


@pytest.mark.parametrize(
    ("path", "settings", "message"),
    [
        ("", {}, "needs suite.path: PersonaGym's folder"),
        ("nothere", {}, "there is no folder nothere; check suite.path"),
        (".", {}, "has no question files"),
        ("gym", {"n": 4}, "suite.n=4 asks for more personas than the 3 files"),
    ],
)
def test_what_is_no_suite_is_one_line(tmp_path, monkeypatch, path, settings, message):
    monkeypatch.chdir(tmp_path)
    write_gym(tmp_path / "gym")

    with pytest.raises(SourceError, match=message):
        read(path, **settings)


IN_CACHE = """
import sys
from pathlib import Path
from opencharacter.config import SuiteConfig, SuiteName
from opencharacter.evaluation.suites import load_suite

suite = load_suite(SuiteConfig(name=SuiteName.persona_gym, path=sys.argv[1]), Path())
print(suite.name, len(suite.items), suite.n_personas, *suite.read_from.items())
"""


def write_cache(home, sha="a" * 40):
    """Write a data set as the hub's library keeps it: files by hash, a snapshot of links."""
    cached = home / "hub" / "datasets--owner--name"
    blobs, snapshot = cached / "blobs", cached / "snapshots" / sha / "questions" / "benchmark-v1"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(sha)
    for number, file in enumerate(sorted(write_gym(home / "plain").iterdir())):
        shutil.copy(file, blobs / f"{number:040}")
        (snapshot / file.name).symlink_to(Path("../../../../blobs") / f"{number:040}")
    return home / "plain"


@pytest.mark.parametrize("path", ["hub:owner/name", f"hub:owner/name@{'a' * 40}"])
def test_a_copy_in_the_hubs_cache_is_the_folder_without_a_network(tmp_path, path):
    plain = write_cache(tmp_path)
    # In a process of its own: the hub's library reads the variables when it is imported.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", IN_CACHE, path],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    told = f"{read(plain).name} 150 3 {(path, 'a' * 40)}"
    assert done.stdout.strip() == told, done.stderr
