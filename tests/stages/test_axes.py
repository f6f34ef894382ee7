"""Classifiers and functions as axes of the mix stage, from the command line to the files."""

import json
import shutil

import pytest

from opencharacter.records import MixtureRow, Response
from opencharacter.store.rows import read_columns, read_records
from tests.stages.test_mix import outcome, rejected

# Every instruction asks about n cats, then n birds, for n from 2 to 13; 6 responses have each n.
LEGS = "function:tests.mix.axes_for_tests:legs,text:user"
QUESTIONS = [
    text.format(n)
    for n in range(2, 14)
    for text in ("How many legs have {} cats?", "And {} birds?")
]


@pytest.fixture(autouse=True)
def _run_of_two_methods(opencharacter, tmp_path, tmp_path_factory):
    """Make 12 instructions x 3 characters x 2 methods = 72 responses; once, and copy them."""
    made = tmp_path_factory.getbasetemp() / "two-methods"
    if made.exists():
        shutil.copytree(made, tmp_path / "runs")
        return
    assert opencharacter("stage=synth", "personas.heldout=0").returncode == 0
    shutil.copytree(tmp_path / "runs", made)


def axis(settings):
    return "mix.axes={cats:{" + settings + "}}"


def scored_texts(folder):
    return sum(len(path.read_text().splitlines()) for path in folder.glob("scored/*/*.jsonl"))


def test_a_percentile_is_of_the_run_s_own_scores(opencharacter, tmp_path):
    done = opencharacter("stage=mix", axis(f"{LEGS},direction:keep_above,percentile:75"))

    assert done.returncode == 0, done.stderr
    counts, folder = outcome(tmp_path)
    assert (counts["rejected"], counts["out"]) == ({"axis_cats": 54}, 18)  # n = 11, 12, 13 stay
    report = json.loads((folder / "scores" / "cats.json").read_text())
    assert (report["cut"], report["dropped"], report["quantiles"]["100"]) == (11, 54, 13)


def test_scores_are_kept_beside_the_rows_and_load_by_their_name(opencharacter, tmp_path):
    opencharacter("stage=mix", axis(f"{LEGS},threshold:12"))

    _, folder = outcome(tmp_path)
    rows = read_columns(
        [folder / "scores" / "cats.parquet"], ["response_id", "score", "is_dropped"]
    )
    found = {response_id: (score, dropped) for response_id, score, dropped in rows}
    for method in ("rewrite", "generate"):
        for response in read_records(tmp_path / "runs" / "t" / method / "data", Response):
            n = float(response.messages[0].content.split()[4])
            assert found.pop(response.id) == (n, n > 12)
    assert found == {}
    load_dataset = pytest.importorskip("datasets").load_dataset
    loaded = load_dataset(str(folder), "scores_cats", split="train", cache_dir=str(tmp_path / "c"))
    assert len(loaded) == 72


def test_another_threshold_scores_nothing_again(opencharacter, tmp_path):
    opencharacter("stage=mix", axis(f"{LEGS},threshold:12"))
    _, folder = outcome(tmp_path)
    before = scored_texts(folder)

    again = opencharacter("stage=mix", axis(f"{LEGS},percentile:50"), "force=true")

    assert again.returncode == 0, again.stderr
    assert "opening" not in again.stderr
    assert before == scored_texts(folder) == 24  # each question once, however many rows have it
    assert outcome(tmp_path)[0]["rejected"] == {"axis_cats": 36}


def test_a_mixture_with_another_cut_is_refused_before_anything_is_scored(opencharacter, tmp_path):
    opencharacter("stage=mix", axis(f"{LEGS},threshold:12"))
    texts = scored_texts(outcome(tmp_path)[1])

    refused = opencharacter("stage=mix", axis(LEGS.replace("user", "assistant")))

    assert refused.returncode == 2
    assert "mix.axes.cats.text 'user' -> 'assistant'" in refused.stderr
    assert scored_texts(outcome(tmp_path)[1]) == texts


def test_without_a_cut_an_axis_only_reports(opencharacter, tmp_path):
    done = opencharacter("stage=mix", axis(LEGS))

    assert outcome(tmp_path)[0]["out"] == 72
    assert "No cut is set, so nothing is left out" in done.stdout


def test_a_response_without_a_score_is_left_out_and_counted(opencharacter, tmp_path):
    opencharacter("stage=mix", axis(f"{LEGS.replace(':legs', ':legs_or_nothing')},threshold:20"))

    counts, folder = outcome(tmp_path)
    assert counts["rejected"] == {"axis_cats": 6}
    assert rejected(folder)[0][2].startswith("no score by ")
    assert counts["notes"]["axis cats: no score"] == 6


def test_a_mixture_without_a_score_counts_each_row_once_when_it_fails(opencharacter):
    failed = opencharacter("stage=mix", axis("function:tests.mix.axes_for_tests:no,threshold:1"))

    assert "of 72 rows none is left: 72 axis_cats; look at" in failed.stderr


def test_a_mixture_that_draws_nothing_says_why_when_it_fails(opencharacter):
    failed = opencharacter("stage=mix", "mix.caps={tasks: 0}")

    assert "of 72 rows none is left: 72 left out: cap; look at" in failed.stderr


def test_the_closing_line_tells_rows_written_rejected_and_not_drawn(opencharacter):
    done = opencharacter("stage=mix", axis(f"{LEGS},threshold:12"), "mix.n=50")

    assert "mix: done after 0 s, 50 rows written, " in done.stderr
    assert "/s, 6 rejected, 16 not drawn" in done.stderr


def test_the_first_of_two_axes_and_overlap_before_both_name_the_reason(opencharacter, tmp_path):
    (tmp_path / "suite.jsonl").write_text('{"question": "How many legs have 13 cats?"}\n')
    high = f"high:{{{LEGS},threshold:11}}"  # 12 and 13
    higher = f"higher:{{{LEGS},threshold:10}}"  # 11, 12 and 13

    opencharacter(
        "stage=mix",
        f"mix.suites=[{tmp_path / 'suite.jsonl'}]",
        f"mix.axes={{{high},{higher}}}",
    )

    assert outcome(tmp_path)[0]["rejected"] == {"contaminated": 6, "axis_high": 6, "axis_higher": 6}


def test_a_row_that_an_axis_leaves_out_takes_no_near_duplicate_along(opencharacter, tmp_path):
    answer = " ".join(f"Step {n} takes {n * 7} minutes and {n * n} grams." for n in range(12))
    tasks = [{"instruction": f"Question {n} ?", "output": answer} for n in range(1, 7)]
    (tmp_path / "same.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
    given = [f"instructions.paths=[{tmp_path / 'same.jsonl'}]", "synth.methods=[rewrite]", "run=s"]
    opencharacter("stage=synth", *given)

    def stays(*settings):
        done = opencharacter("stage=mix", *given, *settings)
        assert done.returncode == 0, done.stderr
        (row,) = read_records(tmp_path / "runs" / "s" / "mix" / "data", MixtureRow)
        return int(row.messages[1].content.split()[1])

    first = stays()
    cut = f"threshold:{first - 1}" if first > 1 else "direction:drop_below,threshold:2"

    assert stays(axis(f"{LEGS},{cut}"), "force=true") != first


@pytest.fixture
def general(tmp_path):
    """Write 40 dialogues without a character, of as many legs as their number."""
    rows = [{"instruction": f"Are {n} legs many?", "output": f"Yes, {n} are."} for n in range(40)]
    (tmp_path / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [f"mix.replay_paths=[{tmp_path / 'general.jsonl'}]", "mix.replay_share=0.2"]


def replayed_numbers(folder):
    rows = read_records(folder / "data", MixtureRow)
    return [int(row.messages[0].content.split()[1]) for row in rows if not row.character_id]


def test_a_threshold_holds_for_replayed_rows_too(opencharacter, tmp_path, general):
    done = opencharacter("stage=mix", *general, axis(f"{LEGS},threshold:29"))

    assert done.returncode == 0, done.stderr
    counts, folder = outcome(tmp_path)
    assert (len(replayed_numbers(folder)), counts["out"]) == (18, 72 + 18)
    assert max(replayed_numbers(folder)) <= 29
    refused = [row for row in rejected(folder) if row[3].startswith("general.jsonl:")]
    assert len(refused) == counts["rejected"]["axis_cats"] > 0
    assert "is above the cut 29 " in refused[0][2]
    assert json.loads((folder / "scores" / "cats.json").read_text())["responses"] == 72


@pytest.mark.parametrize("cut", ["percentile:100", "threshold:20,replayed:false"])
def test_a_percentile_and_an_axis_about_roles_leave_replayed_rows_alone(
    opencharacter, tmp_path, general, cut
):
    assert opencharacter("stage=mix", *general, axis(f"{LEGS},{cut}")).returncode == 0

    counts, folder = outcome(tmp_path)
    assert (counts["rejected"], counts["out"]) == ({}, 90)
    assert max(replayed_numbers(folder)) > 20


def test_replayed_rows_are_scored_once(opencharacter, tmp_path, general):
    command = ("stage=mix", *general, axis(f"{LEGS},threshold:29"))
    assert opencharacter(*command).returncode == 0
    texts = scored_texts(outcome(tmp_path)[1])

    again, forced = opencharacter(*command), opencharacter(*command, "force=true")

    assert (again.returncode, forced.returncode) == (0, 0)
    assert "already finished" in again.stderr
    assert "opening" not in again.stderr + forced.stderr
    assert scored_texts(outcome(tmp_path)[1]) == texts == 24 + 40


def test_what_earlier_axes_left_is_removed(opencharacter, tmp_path):
    opencharacter("stage=mix", axis(LEGS))
    opencharacter("stage=mix", "force=true")

    _, folder = outcome(tmp_path)
    assert list((folder / "scores").iterdir()) == []
    assert "scores_cats" not in (folder / "README.md").read_text()
