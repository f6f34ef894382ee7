import json
from dataclasses import replace

import pytest

from opencharacter.records import Domain
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


def only(given, domain):
    """Return what a run has of one domain."""
    return replace(
        given,
        transcripts=[t for t in given.transcripts if t.domain is domain],
        scores=[s for s in given.scores if given.items[s.item_id].domain is domain],
    )


def test_two_suites_of_one_model_are_reported_together(opencharacter, tmp_path):
    given = results(12, run="t")
    write_run(tmp_path / "runs", only(given, Domain.inside))
    write_run(tmp_path / "runs", replace(only(given, Domain.outside), run="t-out"))

    done = opencharacter("stage=report", "report.runs=[t-out]")

    assert done.returncode == 0, done.stderr
    assert "1.00 points higher than out-of-domain" in done.stdout


def test_two_models_are_no_report(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="t"))
    write_run(tmp_path / "runs", results(4, run="other", model="n@2"))

    done = opencharacter("stage=report", "report.runs=[other]")

    assert (done.returncode, "stage=compare" in done.stderr) == (2, True)


def test_a_draw_of_a_run_s_characters_has_a_headline_that_says_so(opencharacter, tmp_path):
    write_run(
        *(tmp_path / "runs", results(12, run="t")),
        missing=["12 of 99 characters are asked"],
        suite="in_domain@1",
    )

    done = opencharacter("stage=report")

    assert "A random draw: 12 of 99 characters are asked." in done.stdout
    assert "1.00 points higher" in done.stdout
