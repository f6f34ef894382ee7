import json
import shutil
from dataclasses import replace

import pytest

from opencharacter.ids import digest
from opencharacter.records import Domain, Transcript
from opencharacter.store.files import write_json
from opencharacter.store.rows import write_records
from tests.compare.played import results
from tests.stages.evaluated import write_card, write_run


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


def test_without_scores_the_error_names_the_command(opencharacter, tmp_path):
    (tmp_path / "runs" / "t").mkdir(parents=True)
    done = opencharacter("stage=report", "llm@judge=scripted", "run=t")

    words = f"stage=judge llm@judge=scripted run=t runs_dir={tmp_path}/runs"
    assert done.stderr.endswith(f"first run: python -m opencharacter {words}")
    assert done.returncode == 2


def test_a_part_of_the_suite_has_no_headline(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(12, run="t"), missing=["12 of 200 personas"])

    done = opencharacter("stage=report")

    assert "A part of the suite: 12 of 200 personas" in done.stdout
    assert "points higher" not in done.stdout
    report = json.loads((tmp_path / "runs" / "t" / "report" / "report.json").read_text())
    assert (report["headline"], report["judged"], report["gap"]) == (None, None, None)


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
    alone = opencharacter("stage=report")

    assert "written over" not in done.stderr
    assert "the one before had 12 transcripts more (report.runs=)" in alone.stderr

    assert done.returncode == 0, done.stderr
    assert "1.00 points higher than out-of-domain" in done.stdout


def test_joined_runs_of_one_name_are_known_by_their_paths(opencharacter, tmp_path):
    given = results(12, run="t")
    write_run(tmp_path / "runs", only(given, Domain.inside))
    write_run(tmp_path / "others", only(given, Domain.outside))
    said = {"people": {}, "below": ["no"], "few": [], "verdict": "-", "calibration": "-"}
    rates = {"detects": {}, "keeps": {}, "scored": {"share": None, "n": 0, "unscored": 0}}
    card = {"judge": "judge-a@1", "rubric": given.scores[0].rubric, **rates, **said}
    write_card(tmp_path / "others", "t", card)

    done = opencharacter("stage=report", f"report.runs=[{tmp_path}/others/t]")

    assert f"{tmp_path}/others/t: judge-a@1 is below the bar of its card: no." in done.stdout


def test_two_models_are_no_report(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="t"))
    write_run(tmp_path / "runs", results(4, run="other", model="n@2"))

    done = opencharacter("stage=report", "report.runs=[other]")

    assert (done.returncode, "stage=compare" in done.stderr) == (2, True)


def test_a_criterion_that_nothing_was_scored_by_is_refused_with_those_there_are(
    opencharacter, tmp_path
):
    write_run(tmp_path / "runs", results(4, run="t"))
    done = opencharacter("stage=report", "report.criteria=[habits,nope]")

    assert done.returncode == 2
    assert "t has no scores by nope" in done.stderr
    assert "it has consistency, habits" in done.stderr
    assert not (tmp_path / "runs" / "t" / "report").exists()


def test_light_is_named_in_the_title(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="t"), suite="persona_gym_light@0a1b")

    done = opencharacter("stage=report")

    assert done.stdout.startswith("t: m@1 on persona_gym_light@0a1b (uncalibrated)")
    report = (tmp_path / "runs" / "t" / "report" / "report.md").read_text()
    assert report.startswith("# t: m@1 on persona_gym_light@0a1b")


def test_a_draw_of_a_run_s_characters_has_a_headline_that_says_so(opencharacter, tmp_path):
    write_run(
        *(tmp_path / "runs", results(12, run="t")),
        missing=["12 of 99 characters are asked"],
        suite="in_domain@1",
    )

    done = opencharacter("stage=report")

    assert "A random draw: 12 of 99 characters are asked." in done.stdout
    assert "1.00 points higher" in done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("play/suite.json", "suite.json is damaged (broken JSON", id="suite"),
        pytest.param("judge/jury.json", "jury.json is damaged (broken JSON", id="jury"),
        pytest.param(
            "qualify/judge_card.json", "judge_card.json is damaged (broken JSON", id="card"
        ),
        pytest.param("judge/data/part-00000-of-00001.parquet", "part-00000", id="scores"),
        pytest.param("play/items/part-00000-of-00001.parquet", "part-00000", id="items"),
    ],
)
def test_a_damaged_file_is_named(opencharacter, tmp_path, name, told):
    write_run(tmp_path / "runs", results(4, run="t"))
    path = tmp_path / "runs" / "t" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{")

    done = opencharacter("stage=report")

    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def lost(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def not_utf8(path):
    path.write_bytes(b'{"a": "\xff"}')


def of_another_form(path):
    path.write_text('{"missing": 3}')


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("play/data", lost, "data is damaged (it holds 0 rows in 0 parts, and was closed with 8"),
        ("judge/data", lost, "data is damaged (it holds 0 rows in 0 parts, and was closed with 8"),
        ("play/items", lost, "items is damaged (it lacks 8 items that were played)"),
        ("play/suite.json", lost, "suite.json is damaged (it is missing); make play again with"),
        ("play/suite.json", of_another_form, "suite.json is damaged (it is of another form"),
        (
            "judge/judges.json",
            lost,
            "judges.json is damaged (it is missing); judge again with: python",
        ),
        ("judge/judges.json", not_utf8, "judges.json is damaged (broken JSON: "),
        ("judge/judges.json", of_another_form, "judges.json is damaged (it is of another form"),
        ("judge/jury.json", of_another_form, "jury.json is damaged (it is of another form"),
        ("judge/jury.json", not_utf8, "jury.json is damaged (broken JSON: "),
        ("judge/compat.json", of_another_form, "compat.json is damaged (it is of another form"),
    ],
)
def test_what_is_lost_or_of_another_form_is_no_report(opencharacter, tmp_path, name, damage, told):
    write_run(tmp_path / "runs", results(4, run="t"))
    damage(tmp_path / "runs" / "t" / name)

    done = opencharacter("stage=report")

    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_part_of_the_transcripts_that_is_lost_is_told(opencharacter, tmp_path):
    given = results(4, run="t")
    write_run(tmp_path / "runs", given)
    part = tmp_path / "runs/t/play/data/part-00000-of-00001.parquet"
    write_records(part, Transcript, given.transcripts[:6])

    done = opencharacter("stage=report")

    assert done.returncode == 2
    assert "it holds 6 rows in 1 parts, and was closed with 8 in 1" in done.stderr


def test_a_report_is_written_anew_from_the_same_scores(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="t"))
    folder = tmp_path / "runs" / "t" / "report"
    opencharacter("stage=report")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    opencharacter("stage=report")

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert set(first) == {"report.html", "report.json", "report.md"}


def test_scores_of_older_transcripts_are_refused(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(4, run="t"))
    path = tmp_path / "runs" / "t" / "play" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"output": "other"}))

    done = opencharacter("stage=report")

    assert done.returncode == 2
    assert "made from an older play" in done.stderr


def test_judge_cards_are_cited_and_their_bars_told(opencharacter, tmp_path):
    rate = {"share": 0.5, "low": 0.3, "high": 0.7, "n": 20, "unscored": 1}
    written = results(4, run="t")
    card = {
        "judge": "judge-a@1",
        "rubric": written.scores[0].rubric,
        "detects": {"persona_swap": rate},
        "keeps": {"filler": rate},
        "scored": rate,
        "people": {},
        "below": ["finds persona_swap in 50% of 20, asked are 80%"],
        "few": ["finds filler: no case"],
        "verdict": "is below the bar",
        "calibration": "uncalibrated: no person has labelled any of these answers",
    }
    write_run(tmp_path / "runs", written)
    run_dir = tmp_path / "runs" / "t"
    write_card(tmp_path / "runs", "t", card)

    done = opencharacter("stage=report")

    assert "judge-a@1 is below the bar of its card: finds persona_swap" in done.stdout
    assert "card of judge-a@1 has too few cases to say: finds filler: no case." in done.stdout
    text = (run_dir / "report" / "report.md").read_text()
    assert "| finds persona_swap | 50% [30%, 70%] | 20 | 1 |" in text
    assert f"Judge cards (sha256): judge-a@1 {digest(card)}." in text

    edited = card | {"rubric": "role_play@other"}
    write_json(run_dir / "qualify" / "judge_card.json", {"judge-a@1": edited})
    done = opencharacter("stage=report")
    assert "does not count: it is by role_play@other, and the judge judges by" in done.stderr
    words = f"stage=qualify run=t runs_dir={tmp_path}/runs force=true"
    assert f"qualify it by these: python -m opencharacter {words}" in done.stderr
    assert "judge-a@1 has no judge card" in done.stdout


def test_a_run_that_is_not_there_is_told_as_such(opencharacter):
    refused = opencharacter("stage=report", "run=nosuch")

    assert (refused.returncode, "there is no run 'nosuch'" in refused.stderr) == (2, True)


def test_a_report_that_had_people_s_labels_is_not_quietly_written_over(opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(12, run="t"))
    opencharacter("stage=report")
    path = tmp_path / "runs" / "t" / "report" / "report.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps(old | {"corrected": old["headline"]}))  # as with qualify.labels

    assert "the one before had people's labels" in opencharacter("stage=report").stderr
    assert "written over" not in opencharacter("stage=report").stderr
