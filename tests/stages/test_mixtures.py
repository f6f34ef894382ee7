"""Mixtures as a user makes them: shares, system prompts and seeds of one run's responses."""

import json
from collections import Counter

import pytest

from opencharacter.records import MixtureRow
from opencharacter.store.rows import part_files, read_columns, read_records


@pytest.fixture
def mixed(opencharacter, tmp_path):
    """Return a function that mixes the responses of a run to 12 short and 12 long instructions."""
    short = tmp_path / "short.jsonl"
    tasks = [{"instruction": f"Name {n} animals.", "output": f"{n} lions."} for n in range(2, 14)]
    short.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    paths = f"instructions.paths=[{tmp_path / 'tasks.jsonl'},{short}]"
    assert opencharacter("stage=synth", paths).returncode == 0

    def mix(*given):
        done = opencharacter("stage=mix", paths, "force=true", *given)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / "runs/t/mix"
        counts = json.loads((folder / "manifest.json").read_text())["counts"]
        rejected = sum(counts["rejected"].values())
        assert counts["in"] == counts["out"] + rejected + counts["not_drawn"]
        return list(read_records(folder / "data", MixtureRow)), counts

    return mix


def user_turns(row):
    return sum(message.role == "user" for message in row.messages)


def test_the_share_of_multi_turn_rows_is_met_to_the_row(mixed):
    rows, counts = mixed("mix.multi_turn=0.25", "mix.n=40")

    assert Counter(user_turns(row) for row in rows) == {2: 10, 1: 30}
    assert counts["notes"]["more than one user turn"] == 10


def test_half_of_the_rows_can_be_rewritten_and_half_generated(mixed):
    rows, _ = mixed("mix.method_shares={rewrite: 0.5}", "mix.shares={short: 0.25}", "mix.n=40")

    assert Counter((row.method, row.source) for row in rows) == {
        ("rewrite", "short"): 5,
        ("rewrite", "tasks"): 15,
        ("generate", "short"): 5,
        ("generate", "tasks"): 15,
    }


def test_rows_show_the_part_of_the_character_that_was_drawn(mixed):
    rows, counts = mixed("mix.system_prompts={persona: 1, profile: 1}")
    shown = [("# Persona" in r.messages[0].content, "# Character Profile" in r.messages[0].content)
             for r in rows]  # fmt: skip

    assert set(shown) == {(True, False), (False, True)}
    assert counts["notes"]["system prompt: persona"] == sum(persona for persona, _ in shown)


def test_another_seed_is_another_mixture_of_the_same_responses(mixed):
    first, again, other = (
        {row.response_id for row in mixed("mix.n=40", f"mix.seed={seed}")[0]} for seed in (1, 1, 2)
    )

    assert first == again
    assert len(first ^ other) > 10


def test_one_of_many_rewrites_of_the_same_answer_stays_and_is_named(opencharacter, tmp_path):
    path = tmp_path / "same.jsonl"
    answer = " ".join(
        f"Step {n} takes {n * 7} minutes and {n * n} grams of flour." for n in range(12)
    )
    tasks = [{"instruction": f"Question {n}?", "output": answer} for n in range(12)]
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    given = [f"instructions.paths=[{path}]", "synth.methods=[rewrite]"]
    assert opencharacter("stage=synth", *given).returncode == 0

    done = opencharacter("stage=mix", *given)

    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/t/mix"
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    (kept,) = read_records(folder / "data", MixtureRow)
    details = read_columns(part_files(folder / "rejected"), ["reason", "detail", "excerpt"])
    assert (counts["in"], counts["rejected"]) == (36, {"near_duplicate_answer": 35})
    for reason, detail, excerpt in details:
        assert reason == "near_duplicate_answer"
        assert detail.endswith(f"like {kept.response_id}")
        assert excerpt.startswith("user: Question")
    opencharacter("stage=mix", *given, "mix.near_duplicates=null", "force=true")
    assert len(list(read_records(folder / "data", MixtureRow))) == 36
