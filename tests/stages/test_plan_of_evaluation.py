"""A plan of an evaluation before anything is played: what is known, estimated, and can be shown."""

import json
import math

import pytest

from tests.compare.played import results
from tests.evaluation.gym import PEOPLE, write_gym
from tests.evaluation.test_published import SCENE
from tests.stages.evaluated import write_run

N = 3 * 5 * 2  # people, tasks, questions


@pytest.fixture
def gym(tmp_path, settings):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
    }


@pytest.fixture
def six(tmp_path, settings, gym):
    people = [*PEOPLE, "A tall fiddler", "A glazier", "A keeper of bees"]
    settings |= {"suite.path": str(write_gym(tmp_path / "six", people, n=2))}


def row(done, name):
    """Return the numbers behind the name of a row of a plan's table."""
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.strip().startswith(f"{name} ")]
    return line.split()[1:]


def test_calls_are_those_that_play_and_judge_will_make(opencharacter, tmp_path, gym):
    given = (
        "play.controls=[none,no_persona]",
        "play.samples=2",
        "judge.criteria=[toxicity_control,linguistic_habits]",
    )
    planned = opencharacter("stage=plan", *given)
    assert opencharacter("stage=play", *given, "play.max_rejected=1").returncode == 0
    assert opencharacter("stage=judge", *given).returncode == 0

    folder = tmp_path / "runs" / "t"
    played, judged = (
        json.loads((folder / stage / "manifest.json").read_text())
        for stage in ("play", "judge-scripted")
    )
    assert int(row(planned, "play")[0]) == played["usage"]["calls"] == 4 * N
    assert int(row(planned, "scripted")[1]) == judged["usage"]["calls"] == 2 * 4 * N
    assert row(planned, "scripted")[2] == "0"
    assert f"has {N} items of 3 characters" in planned.stdout
    assert "Estimated: answers of plan.assume.answer_output_tokens each" in planned.stdout


def test_prices_and_tokens_are_multiplied_out(opencharacter, gym):
    done = opencharacter(
        "stage=plan", "player.price_output=2", "judge.price_output=10000", "judge.against=u",
        "plan.assume.answer_output_tokens=100",
    )  # fmt: skip

    assert row(done, "play")[-1] == f"{N * 100 * 2 / 1e6:.2f}"
    # A verdict of each answer, and two of each pair.
    assert row(done, "scripted")[1] == str(3 * N)
    assert row(done, "scripted")[-1] == f"{3 * N * 10_000 / 1e6:.2f}"
    longer = opencharacter("stage=plan", "judge.against=u", "plan.assume.answer_output_tokens=1000")
    more = int(row(longer, "scripted")[4].replace(",", "")) - int(
        row(done, "scripted")[4].replace(",", "")
    )
    assert more == 5 * N * 900  # answers are shown once alone, and two of them in two orders


def test_what_a_book_says_before_is_read_and_answered_by_nobody(opencharacter, tmp_path):
    long = [line | {"message": line["message"] + "x" * 4000} for line in SCENE["dialogues"]]
    for name, lines in (("short", SCENE["dialogues"]), ("long", long)):
        text = json.dumps(SCENE | {"dialogues": lines})
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    short, longer = (
        row(opencharacter("stage=plan", "suite=coser", f"suite.path={tmp_path / name}"), "play")
        for name in ("short.jsonl", "long.jsonl")
    )

    # Its one call reads two lines before the question, and the question: 1,000 tokens more each.
    assert short[0] == longer[0] == "1"
    assert int(longer[2].replace(",", "")) - int(short[2].replace(",", "")) == 3_000


def test_what_a_comparison_can_show_is_told_with_what_is_assumed(opencharacter, six):
    done = opencharacter("stage=plan", "plan.assume.score_sd=0.3")

    # Student's t with 5 degrees of freedom: quantiles 0.975 and 0.8 are 2.5706 and 0.9195.
    least = (2.5706 + 0.9195) * 0.3 / math.sqrt(6)
    assert f"Minimum detectable effect: {least:.3f} points" in done.stdout
    # With 73, (1.9935 + 0.8467) * 0.3 / sqrt(73) = 0.0997; with 72, 0.1004.
    assert "A difference of 0.1 points (compare.margin) takes 73 characters." in done.stdout
    assert "difference 0.3 points (assumed, plan.assume.score_sd)" in done.stdout
    # Five tasks, and 2 / 2^6 for six characters.
    assert "Holm over 5 lines, no p below 0.156 is possible" in done.stdout


@pytest.mark.parametrize(
    ("n", "why"),
    [(5, "Sign flips of 5 characters give no p below 0.0625"), (1, "One character says nothing")],
)
def test_so_few_characters_that_nothing_can_be_shown_are_told(opencharacter, six, n, why):
    done = opencharacter("stage=plan", f"suite.n={n}")

    assert f"Minimum detectable effect: none. {why}" in done.stdout
    assert "that takes 6 characters or more" in done.stdout


def test_the_spread_may_be_that_of_two_runs(opencharacter, tmp_path, six):
    # The second is above the first by 0, 1, 0, 1 ... for its 12 characters: sd sqrt(12/11)/2.
    write_run(tmp_path / "runs", results(12, run="a"))
    write_run(tmp_path / "runs", results(12, run="b", values=lambda n, value: value + n % 2))
    done = opencharacter("stage=plan", "plan.like=[a,b]")

    assert done.returncode == 0, done.stderr
    assert (
        f"difference {math.sqrt(12 / 11) / 2:.3g} points (measured between a and b" in done.stdout
    )
    assert "no run 'c'" in opencharacter("stage=plan", "plan.like=[a,c]").stderr


def test_what_a_suite_needs_and_is_not_there_is_told(opencharacter):
    done = opencharacter("stage=plan", "suite=profile_facts")

    assert done.returncode == 0, done.stderr
    assert "Evaluating is not priced: " in done.stdout
    assert "make the run's profiles and mix first" in done.stdout


def test_nothing_is_told_where_nobody_asks_for_an_evaluation(opencharacter):
    assert "Evaluating" not in opencharacter("stage=plan").stdout


def test_what_nobody_has_priced_is_not_free(opencharacter, gym):
    done = opencharacter("stage=plan", "player.price_output=2")

    assert row(done, "play")[-1].replace(".", "").isdigit()
    assert row(done, "scripted")[-3:] == ["no", "price", "set"]


def test_a_suite_alone_is_planned_without_data_that_nobody_makes(opencharacter, gym):
    alone = opencharacter("stage=plan", "suite=persona_gym")
    both = opencharacter("stage=plan", "suite=persona_gym", "synth.n_characters=1")
    no_characters = opencharacter("stage=plan", "suite=profile_facts")  # of its own, to be made

    assert (alone.returncode, "profiles" in alone.stdout) == (0, False)
    assert " play " in alone.stdout
    assert " profiles " in both.stdout
    assert " profiles " in no_characters.stdout


def test_a_run_that_asks_the_characters_of_another_makes_none(opencharacter):
    done = opencharacter("stage=plan", "suite=profile_facts", "suite.run=other")

    assert done.returncode == 0, done.stderr
    assert "profiles" not in done.stdout.split("Evaluating is not priced")[0]


def test_given_answers_that_are_measured_are_planned_too(opencharacter, tmp_path):
    planned = opencharacter("stage=plan", "suite=retention", "loss.n=5")
    assert opencharacter("stage=loss", "loss.n=5").returncode == 0
    manifest = json.loads((tmp_path / "runs/t/loss/manifest.json").read_text())

    assert int(row(planned, "loss")[0]) == manifest["usage"]["calls"] == 5
