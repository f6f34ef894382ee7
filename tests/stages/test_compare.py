import json
from dataclasses import replace

import pytest

from opencharacter.job.judging import JURY, write_bench
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder
from tests.compare import test_favour as favour
from tests.compare.played import results
from tests.stages.evaluated import bench, write_run


def better(number, value):
    """Half a point more, give or take a little by character."""
    return value + 0.5 + 0.1 * (number % 4 - 1.5)


def test_runs_are_compared_on_the_items_they_share(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(24, run="a"))
    write_run(tmp_path / "runs", results(24, run="b", values=better, model="n@1"))

    done = opencharacter("stage=compare", "compare.runs=[a,b]")

    assert done.returncode == 0, done.stderr
    assert "b plays unseen characters better than a by 0.55 points (95% interval +0." in done.stdout
    folder = tmp_path / "runs" / "t" / "compare"
    compared = json.loads((folder / "compare.json").read_text())
    means = {
        line["scope"]: line["difference"]["estimate"]["value"]
        for line in compared["main"] + compared["domains"]
    }
    assert means == pytest.approx({"in": 0.45, "out": 0.55, "all": 0.5})
    assert "| b − a, out-of-domain |" in (folder / "compare.md").read_text()
    assert (folder / "compare.html").read_text().startswith("<!doctype html>")


def without(given, items):
    """Return what a run has, but for some items."""
    return replace(
        given,
        items={id_: item for id_, item in given.items.items() if id_ not in items},
        transcripts=[each for each in given.transcripts if each.item_id not in items],
        scores=[score for score in given.scores if score.item_id not in items],
    )


def test_runs_of_two_suites_are_told_so_whoever_judged_them(opencharacter, tmp_path):
    a, b = results(4, run="a"), results(8, run="b", judges=("judge-b@1",))
    write_run(tmp_path / "runs", a)
    write_run(tmp_path / "runs", without(b, a.items), suite="coser@2")

    done = opencharacter("stage=compare", "compare.runs=[a,b]")

    assert (done.returncode, "judge both" in done.stderr) == (2, False)
    assert "a was asked persona_gym, b was asked coser: runs are compared item by" in done.stderr


def test_a_run_that_is_not_judged_is_told_with_the_command_for_where_it_is(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="a"))
    (tmp_path / "runs" / "b").mkdir()
    (tmp_path / "runs" / "a" / "judge").rename(tmp_path / "judge")

    done = opencharacter("stage=compare", "compare.runs=[a,b]")
    command = f"first run: python -m opencharacter stage=judge run=a runs_dir={tmp_path}/runs"
    assert done.stderr.endswith(command)


def test_runs_judged_otherwise_are_refused(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="a"))
    write_run(tmp_path / "runs", results(4, run="b", judges=("judge-b@1",)))

    done = opencharacter("stage=compare", "compare.runs=[a,b]")

    assert done.returncode == 2
    assert "a was judged by judge-a@1 by ours@1, b by judge-b@1" in done.stderr


@pytest.mark.parametrize(
    ("runs", "told"),
    [("[a]", "name at least two"), ("[a,nowhere]", "there is no run 'nowhere'")],
)
def test_what_is_no_run_is_told(opencharacter, tmp_path, runs, told):
    write_run(tmp_path / "runs", results(4, run="a"))

    done = opencharacter("stage=compare", f"compare.runs={runs}")

    assert (done.returncode, told in done.stderr) == (2, True)


def test_a_run_that_is_named_in_two_ways_is_not_compared_with_itself(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="a"))

    done = opencharacter("stage=compare", f"compare.runs=[a,{tmp_path}/runs/a/]")

    assert done.returncode == 2
    assert f"a and {tmp_path}/runs/a/ are one folder" in done.stderr


def test_runs_of_one_name_in_several_folders_are_told_apart(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(24, run="a"))
    write_run(tmp_path / "others", results(24, run="a", values=better))

    done = opencharacter("stage=compare", f"compare.runs=[a,{tmp_path}/others/a]")

    assert f"{tmp_path}/others/a plays unseen characters better than a by 0.55" in done.stdout


def test_what_judges_give_their_own_family_more_is_in_the_comparison(opencharacter, tmp_path):
    for name, family in (("m", "llama"), ("n", "qwen")):
        given = favour.run(name, family)
        write_run(tmp_path / "runs", given)
        who = bench(given, judges=favour.FAMILIES, candidates=given.candidates)
        judge = StageFolder(run_dir=tmp_path / "runs" / name, stage="judge")
        write_bench(judge, who)
        write_json(judge.path / JURY, {})

    done = opencharacter("stage=compare", "compare.runs=[m,n]")

    assert "a@1 gives answers of its own family, llama, 0.3" in done.stdout
    folder = tmp_path / "runs" / "t" / "compare"
    found = json.loads((folder / "compare.json").read_text())["self_preference"]
    assert [(one["judge"], one["families"]) for one in found] == [("a@1", ["llama", "qwen"])] * 2
    assert "## Judges and their own family" in (folder / "compare.md").read_text()
    assert "Judges and their own family" in (folder / "compare.html").read_text()
