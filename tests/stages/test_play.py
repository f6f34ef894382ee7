"""The play stage: every item ends as a transcript, every damaged file as a rejection."""

import json
import re
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest

from opencharacter.records import Control, EvalItem, Role, Transcript
from opencharacter.store.rows import read_records
from tests.evaluation.gym import PEOPLE, write_gym


@pytest.fixture
def gym(tmp_path, settings):
    settings |= {"suite": "persona_gym", "suite.path": str(write_gym(tmp_path / "gym"))}
    return tmp_path / "gym"


def folder(tmp_path):
    return tmp_path / "runs" / "t" / "play"


def manifest(tmp_path):
    return json.loads((folder(tmp_path) / "manifest.json").read_text())


def transcripts(tmp_path):
    return list(read_records(folder(tmp_path) / "data", Transcript))


def items(tmp_path):
    return {item.id: item for item in read_records(folder(tmp_path) / "items", EvalItem)}


def test_every_item_is_played_and_kept_beside_its_transcript(opencharacter, tmp_path, gym):
    done = opencharacter("stage=play")

    assert done.returncode == 0, done.stderr
    played = transcripts(tmp_path)
    asked = items(tmp_path)
    assert Counter(one.item_id for one in played) == Counter(list(asked))
    assert len(played) == 3 * 5 * 10
    for one in played:
        system, question, answer = one.messages
        assert (system.content, question.content) == (
            asked[one.item_id].system,
            asked[one.item_id].questions[0],
        )
        assert answer.role is Role.assistant


def test_a_damaged_file_is_rejected_counted_and_told(opencharacter, tmp_path, gym):
    (gym / f"{PEOPLE[1]}.json").write_text("{")
    refused = opencharacter("stage=play")
    assert refused.returncode == 2
    assert re.search(r"1 of 3 characters .*max_rejected=0\.2.*broken_json: .*", refused.stderr)
    assert not folder(tmp_path).exists()

    done = opencharacter("stage=play", "play.max_rejected=0.5")

    assert done.returncode == 0, done.stderr
    assert "play: rejected: 1 broken_json" in done.stderr
    assert "the questions of 1 of 3 personas are damaged and left out" in done.stderr
    counts = manifest(tmp_path)["counts"]
    assert (counts["in"], counts["out"], counts["rejected"]) == (101, 100, {"broken_json": 1})
    told = json.loads((folder(tmp_path) / "suite.json").read_text())
    assert (told["personas"], told["personas_played"]) == (3, 2)
    assert told["damaged"][f"{PEOPLE[1]}.json"].startswith("broken_json: ")


def test_a_file_that_comes_between_two_sittings_is_told_and_changes_nothing(
    opencharacter, tmp_path, gym
):
    words = ("stage=play", "suite.light=true", "parts=3")
    assert opencharacter(*words, "part=0").returncode == 0
    for number in range(9):
        (gym / f"{number} notes.txt").write_text("Mine.")
    done = opencharacter(*words)

    assert done.returncode == 0, done.stderr
    assert "play: left out: '8 notes.txt', wrong_name" in done.stderr
    assert manifest(tmp_path)["counts"]["in"] == len(transcripts(tmp_path)) == 15
    told = json.loads((folder(tmp_path) / "suite.json").read_text())
    assert (told["personas"], len(told["damaged"])) == (3, 9)


def test_controls_change_the_system_prompt_and_nothing_else(opencharacter, tmp_path, gym):
    done = opencharacter("stage=play", "play.controls=[none,no_persona,swapped_persona]")

    assert done.returncode == 0, done.stderr
    played = transcripts(tmp_path)
    assert len(played) == 3 * 150
    asked = items(tmp_path)
    shown = {(one.item_id, one.control): one for one in played}
    seeds = {}
    for (item_id, control), one in shown.items():
        systems = [m.content for m in one.messages if m.role is Role.system]
        own = asked[item_id].system
        others = {item.system for item in asked.values()} - {own}
        assert {
            Control.none: systems == [own],
            Control.no_persona: systems == [],
            Control.swapped_persona: len(systems) == 1 and systems[0] in others,
        }[control]
        assert seeds.setdefault(item_id, one.call.seed) == one.call.seed


def test_samples_have_seeds_of_their_own_and_more_of_them_only_add(opencharacter, tmp_path, gym):
    opencharacter("stage=play", "suite.light=true")
    one = {t.id for t in transcripts(tmp_path)}
    opencharacter("stage=play", "suite.light=true", "play.samples=3", "force=true")
    three = transcripts(tmp_path)

    assert len(three) == 45
    assert len({t.call.seed for t in three}) == 45
    assert one == {t.id for t in three if t.sample == 0}


def test_a_suite_elsewhere_is_the_same_and_a_changed_one_is_stale(opencharacter, tmp_path, gym):
    opencharacter("stage=play", "suite.light=true")
    moved = gym.rename(tmp_path / "elsewhere")
    same = opencharacter("stage=play", "suite.light=true", f"suite.path={moved}")
    write_gym(moved, ["A new one"])
    changed = opencharacter("stage=play", "suite.light=true", f"suite.path={moved}")

    assert "already finished" in same.stderr
    assert "suite has changed" in changed.stderr


def test_the_rows_of_play_can_be_loaded_by_their_card(opencharacter, tmp_path, gym):
    opencharacter("stage=play", "suite.light=true")
    table = pq.read_table(folder(tmp_path) / "data")

    assert table.num_rows == 15
    assert table["control"].unique().to_pylist() == ["none"]


def test_any_number_of_parts_in_any_order_gives_the_same_transcripts(opencharacter, tmp_path, gym):
    words = ("stage=play", "suite.light=true", "play.controls=[none,swapped_persona]")
    words += ("play.max_rejected=0.5",)
    opencharacter(*words)
    whole = {t.id: t.messages for t in transcripts(tmp_path)}
    (gym / "x.json").write_text("[]")
    opencharacter(*words, "run=cut", "parts=3", "part=2")
    opencharacter(*words, "run=cut", "parts=3", "part=0")
    done = opencharacter(*words, "run=cut", "parts=3")

    assert done.returncode == 0, done.stderr
    cut = read_records(tmp_path / "runs/cut/play/data", Transcript)
    told = json.loads((tmp_path / "runs/cut/play/manifest.json").read_text())["counts"]
    assert {m[1].content for m in whole.values()} == {t.messages[1].content for t in cut}
    assert (told["in"], told["out"], told["rejected"]) == (31, 30, {"wrong_type": 1})


def test_a_killed_play_repeats_no_answer(opencharacter, tmp_path, gym):
    words = ("stage=play", "suite.light=true")
    opencharacter(*words)
    before = {t.id: t.messages for t in transcripts(tmp_path)}
    log = next((folder(tmp_path) / "completions").glob("*.jsonl"))
    lines = log.read_text().splitlines(keepends=True)
    for made in ("data", "rejected", "items"):  # as a kill leaves it: a log with a torn end
        shutil.rmtree(folder(tmp_path) / made)
    (folder(tmp_path) / "manifest.json").unlink()
    log.write_text("".join(lines[:9]) + lines[9][:20])
    done = opencharacter(*words)

    assert done.returncode == 0, done.stderr
    assert {t.id: t.messages for t in transcripts(tmp_path)} == before
    assert len(items(tmp_path)) == 15
    whole = [line for line in log.read_text().splitlines() if line.endswith("}")]
    keys = [json.loads(line)["key"] for line in whole]
    assert len(keys) == len(set(keys)) == 15


def test_where_all_answers_are_in_the_log_no_model_is_opened(opencharacter, tmp_path, gym):
    first = opencharacter("stage=play")
    before = transcripts(tmp_path)
    shutil.rmtree(folder(tmp_path) / "data")
    (folder(tmp_path) / "manifest.json").unlink()
    again = opencharacter("stage=play")

    assert ["opening" in done.stderr for done in (first, again)] == [True, False]
    assert (again.returncode, transcripts(tmp_path)) == (0, before)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["play.controls=[persona_only]"], "have no profile"),
        (["play.controls=[swapped_persona]", "suite.n=1"], "has 1 persona to swap among"),
        (["suite=profile_facts", "suite.run=nosuch"], "there is no run 'nosuch'"),
        (["suite.path=/nothere"], "there is no folder /nothere"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_written(
    opencharacter, tmp_path, gym, words, message
):
    done = opencharacter("stage=play", *words)

    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not folder(tmp_path).exists()
