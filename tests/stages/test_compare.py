import json

import pytest

from tests.compare.played import results
from tests.stages.evaluated import write_run


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
