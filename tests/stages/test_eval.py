"""The composite: what play and judge wrote is what is reported."""

import json

from tests.evaluation.gym import write_gym


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
