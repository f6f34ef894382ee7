import json

import pytest

from tests.compare.played import results
from tests.stages.evaluated import write_run


def test_a_judged_run_is_reported(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(12, run="t"))

    done = opencharacter("stage=report")

    assert done.returncode == 0, done.stderr
    assert "1.00 points higher than out-of-domain" in done.stdout
    folder = tmp_path / "runs" / "t" / "report"
    report = json.loads((folder / "report.json").read_text())
    assert report["headline"]["domains"]["in"]["value"] == pytest.approx(4.1)
    assert report["gap"]["value"] == pytest.approx(1.0)
    assert "| consistency |" in (folder / "report.md").read_text()
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_without_scores_the_error_names_the_command(opencharacter):
    done = opencharacter("stage=report")

    assert (done.returncode, "stage=judge" in done.stderr) == (2, True)


def test_a_part_of_the_suite_has_no_headline(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(12, run="t"), missing=["12 of 200 personas"])

    done = opencharacter("stage=report")

    assert "A part of the suite: 12 of 200 personas" in done.stdout
    assert "points higher" not in done.stdout
