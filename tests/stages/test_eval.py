"""The composite: what play and judge wrote is what is reported."""

import json
import shutil

import pytest

from opencharacter.prompts.rubrics import rubrics_dir
from opencharacter.records import Score
from opencharacter.store.rows import read_records
from tests.evaluation.gym import TASKS, write_gym


def test_a_suite_is_played_judged_and_reported(opencharacter, settings, tmp_path):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
        "judge.checklist": "true",
    }
    done = opencharacter("stage=eval")

    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "runs" / "t" / "report" / "report.json").read_text())
    assert report["transcripts"] == 3 * 5 * 2
    names = {row["name"] for row in report["criteria_rows"]}
    assert {"fact", *report["criteria"]} <= names
    assert "fact" not in report["criteria"]
    assert report["judges"][0]["family"] == "scripted"
    # The scripted model has judged itself.
    assert "scripted@scripted is of the tested model's own family" in done.stdout
    again = opencharacter("stage=eval")
    assert "play: already finished" in again.stderr


def test_labels_of_people_correct_the_means_of_judges(opencharacter, settings, tmp_path):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
    }
    assert opencharacter("stage=eval").returncode == 0
    scores = list(read_records(tmp_path / "runs" / "t" / "judge" / "data", Score))
    lines = [f"{s.transcript_id}/{s.criterion}/{s.turn},ann,2" for s in scores if s.value]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["key,annotator,points", *lines]) + "\n")

    done = opencharacter("stage=report", f"qualify.labels=[{labels}]")

    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "runs" / "t" / "report" / "report.json").read_text())
    assert report["corrected"]["overall"]["value"] == pytest.approx(2.0)  # all are labelled
    assert "## As people would score it" in (tmp_path / "runs/t/report/report.md").read_text()
    own = tmp_path / "own"
    shutil.copytree(rubrics_dir() / "role_play", own)
    (own / "charm.yaml").write_text((own / "toxicity_control.yaml").read_text())
    other = opencharacter("stage=report", f"qualify.labels=[{labels}]", f"judge.rubrics={own}")
    assert (other.returncode, "were judged by role_play@" in other.stderr) == (2, True)


def test_a_published_protocol_is_shown_as_published_and_makes_no_headline(
    opencharacter, settings, tmp_path
):
    rubrics = tmp_path / "rubrics"
    rubrics.mkdir()
    for task in TASKS:
        text = "{score_example} {persona} {question} {response} Therefore, the final score is ..."
        (rubrics / f"{task}.txt").write_text(text)
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym")),
        "suite.mode": "compat",
        "judge.rubrics": str(rubrics),
    }
    done = opencharacter("stage=eval")

    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "t"
    means = json.loads((folder / "judge" / "compat.json").read_text())["means"]
    text = (folder / "report" / "report.md").read_text()
    assert "By a published protocol: compat: PersonaGym as published" in text
    for name, one in means.items():
        assert f"| {name} | {one['mean']:.2f} | {one['std']:.2f} |" in text
