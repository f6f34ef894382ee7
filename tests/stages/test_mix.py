"""The mix stage: what evaluation suites and classifiers keep out of a mixture."""

import json

import pytest

from opencharacter.records import Character, MixtureRow
from opencharacter.store.rows import read_columns, read_records

QUESTION = {"question": "How many legs have 5 cats?"}  # of 6 words: the whole first turn


@pytest.fixture
def run_of_two_methods(opencharacter):
    """Make 12 instructions x 3 characters x 2 methods = 72 responses."""
    assert opencharacter("stage=synth", "personas.heldout=0").returncode == 0


def suite(tmp_path, *rows):
    path = tmp_path / "suite.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"mix.suites=[{path}]"


def outcome(tmp_path):
    folder = tmp_path / "runs" / "t" / "mix"
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert counts["in"] == counts["out"] + sum(counts["rejected"].values()) + counts["not_drawn"]
    return counts, folder


def rejected(folder):
    columns = ["key", "reason", "detail", "origin", "excerpt"]
    return list(read_columns(sorted((folder / "rejected").iterdir()), columns))


@pytest.mark.usefixtures("run_of_two_methods")
def test_rows_with_a_question_of_a_suite_are_rejected_and_named(opencharacter, tmp_path):
    done = opencharacter("stage=mix", suite(tmp_path, QUESTION))

    assert done.returncode == 0, done.stderr
    counts, folder = outcome(tmp_path)
    assert counts["rejected"] == {"contaminated": 6}
    assert (counts["in"], counts["out"]) == (72, 66)
    _, _, detail, origin, excerpt = rejected(folder)[0]
    assert detail == "shares words with suite, suite.jsonl:1: 'how many legs have 5 cats'"
    assert origin.startswith("character-")
    assert excerpt.startswith("user: How many legs have 5 cats?")
    report = json.loads((folder / "overlap.json").read_text())
    assert (report["rows"], report["rows_hit"], report["contamination"]) == (72, 6, "reject")
    assert report["suites"]["suite"]["items_hit"] == 1
    assert "6 of 72 rows that could enter overlap with a suite" in done.stdout


@pytest.mark.usefixtures("run_of_two_methods")
def test_rows_of_a_persona_of_a_suite_are_rejected(opencharacter, tmp_path):
    people = list(read_records(tmp_path / "runs" / "t" / "profiles" / "data", Character))
    person = next(c for c in people if c.persona == "A baker from Lima")

    opencharacter("stage=mix", suite(tmp_path, {"persona": "a baker, from LIMA"}))

    counts, folder = outcome(tmp_path)
    rows = list(read_records(folder / "data", MixtureRow))
    assert rows
    assert person.id not in {row.character_id for row in rows}
    assert {origin.split()[0] for _, _, _, origin, _ in rejected(folder)} <= {person.id}
    assert counts["out"] == 72 - sum(counts["rejected"].values())


@pytest.mark.usefixtures("run_of_two_methods")
def test_contaminated_rows_are_kept_when_asked_for_and_still_reported(opencharacter, tmp_path):
    opencharacter("stage=mix", suite(tmp_path, QUESTION), "mix.contamination=keep")

    counts, folder = outcome(tmp_path)
    assert (counts["rejected"], counts["out"]) == ({}, 72)
    assert json.loads((folder / "overlap.json").read_text())["rows_hit"] == 6


@pytest.mark.usefixtures("run_of_two_methods")
def test_a_size_is_met_by_the_rows_that_are_clean(opencharacter, tmp_path):
    opencharacter("stage=mix", suite(tmp_path, QUESTION), "mix.n=66")
    counts, _ = outcome(tmp_path)
    assert counts["out"] == 66

    refused = opencharacter("stage=mix", suite(tmp_path, QUESTION), "mix.n=67", "force=true")

    assert refused.returncode == 2
    assert "mix.n asks for 67 rows but 66 are available" in refused.stderr
    assert outcome(tmp_path)[0]["out"] == 66


@pytest.mark.usefixtures("run_of_two_methods")
def test_replayed_dialogues_are_held_against_the_suites_too(opencharacter, tmp_path):
    general = tmp_path / "general.jsonl"
    questions = [f"Please name me {n} birds." for n in range(20)]
    rows = [{"instruction": question, "output": "A wren."} for question in questions]
    general.write_text("".join(json.dumps(row) + "\n" for row in rows))

    done = opencharacter(
        "stage=mix",
        suite(tmp_path, {"question": questions[3]}),
        f"mix.replay_paths=[{general}]",
        "mix.replay_share=0.2",  # 72 / 4 = 18 of 19 that are left
    )

    assert done.returncode == 0, done.stderr
    counts, folder = outcome(tmp_path)
    assert (counts["out"], counts["rejected"], counts["not_drawn"]) == (90, {"contaminated": 1}, 1)
    assert [origin for _, _, _, origin, _ in rejected(folder)] == ["general.jsonl:4"]
    assert json.loads((folder / "overlap.json").read_text())["rows"] == 72 + 20


@pytest.mark.usefixtures("run_of_two_methods")
def test_without_suites_there_is_no_report(opencharacter, tmp_path):
    done = opencharacter("stage=mix", "mix.suites=[]")

    assert done.returncode == 0
    assert "overlap" not in done.stdout
    assert not (outcome(tmp_path)[1] / "overlap.json").exists()


@pytest.mark.usefixtures("run_of_two_methods")
def test_a_changed_suite_makes_a_mixture_stale_and_an_equal_one_does_not(opencharacter, tmp_path):
    setting = suite(tmp_path, QUESTION)
    opencharacter("stage=mix", setting)

    again = opencharacter("stage=mix", setting)
    changed = opencharacter("stage=mix", suite(tmp_path, QUESTION, {"question": "And what now?"}))

    assert (again.returncode, "already finished" in again.stderr) == (0, True)
    assert changed.returncode == 2
    assert "inputs (suite suite has changed); start it over" in changed.stderr


@pytest.mark.usefixtures("run_of_two_methods")
def test_a_suite_that_cannot_be_read_costs_nothing(opencharacter, tmp_path):
    broken = opencharacter("stage=mix", suite(tmp_path, {"foo": "bar"}))
    mended = opencharacter("stage=mix", suite(tmp_path, QUESTION))

    assert (broken.returncode, "neither a persona" in broken.stderr) == (2, True)
    assert mended.returncode == 0, mended.stderr


def test_too_few_rows_to_replay_cost_no_finished_mixture(opencharacter, tmp_path):
    assert opencharacter("stage=synth").returncode == 0
    assert opencharacter("stage=mix").returncode == 0
    before = (tmp_path / "runs" / "t" / "mix" / "manifest.json").read_text()
    general = tmp_path / "general.jsonl"
    general.write_text(json.dumps({"instruction": "Say yes.", "output": "Yes, of course."}))

    done = opencharacter(
        "stage=mix", f"mix.replay_paths=[{general}]", "mix.replay_share=0.9", "force=true"
    )

    assert (done.returncode, "lower it, or name more sources" in done.stderr) == (2, True)
    assert (tmp_path / "runs" / "t" / "mix" / "manifest.json").read_text() == before
