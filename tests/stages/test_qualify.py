"""The qualify stage: a card for each judge, and no headline claims what nobody has checked."""

import json
import re

import pytest

from tests.evaluation.gym import write_gym


@pytest.fixture
def gym(tmp_path, settings, opencharacter):
    gym = write_gym(tmp_path / "gym", n=2)
    settings |= {"suite": "persona_gym", "suite.path": str(gym), "suite.questions": "2"}
    assert opencharacter("stage=play").returncode == 0


def folder(tmp_path):
    return tmp_path / "runs" / "t" / "qualify"


def cards(tmp_path):
    return json.loads((folder(tmp_path) / "judge_card.json").read_text())


def test_a_judge_gets_a_card(opencharacter, tmp_path, gym):
    done = opencharacter("stage=qualify", "qualify.n=10")

    assert done.returncode == 0, done.stderr
    card = cards(tmp_path)["scripted@scripted"]
    assert card["passed"] is False  # its verdicts are a hash of the prompt
    assert (
        card["detects"]["ai_disclaimer"]["n"] + card["detects"]["ai_disclaimer"]["unscored"] == 10
    )
    assert "uncalibrated" in card["calibration"]
    assert "qualify: scripted@scripted is below the bar: finds" in done.stderr
    assert "| finds ai_disclaimer |" in (folder(tmp_path) / "judge_card.md").read_text()


def test_what_was_judged_before_is_not_asked_again(opencharacter, tmp_path, gym):
    assert opencharacter("stage=qualify", "qualify.n=10").returncode == 0

    again = opencharacter("stage=qualify", "qualify.n=10", "force=true")

    assert again.returncode == 0, again.stderr
    assert "opening" not in again.stderr
    lenient = ("qualify.least_detected=0", "qualify.least_kept=0", "qualify.least_scored=0")
    passed = opencharacter("stage=qualify", "qualify.n=10", *lenient)
    assert "qualify: scripted@scripted may judge" in passed.stderr


def test_labels_of_people_come_from_the_page_and_go_onto_the_card(opencharacter, tmp_path, gym):
    done = opencharacter("stage=qualify", "qualify.n=5", "qualify.page=12")
    assert "12 answers to label in" in done.stderr
    page = (folder(tmp_path) / "labels.html").read_text()
    keys = sorted(set(re.findall(r'"key": "([^"]+)"', page)))
    assert len(keys) == 12
    files = []
    for annotator in ("ann", "ben", "cem"):
        rows = [f"{key},{annotator},{1 + len(key + annotator) % 5}" for key in keys]
        files.append(tmp_path / f"{annotator}.csv")
        files[-1].write_text("\n".join(["key,annotator,points", *rows]) + "\n")

    given = f"qualify.labels=[{','.join(map(str, files))}]"
    done = opencharacter("stage=qualify", "qualify.n=5", given)

    assert done.returncode == 0, done.stderr
    card = cards(tmp_path)["scripted@scripted"]
    assert (card["calibration"], card["people"]["annotators"]) == ("labelled by people", 3)
    assert card["people"]["answers"] == 12
    assert "uncalibrated" not in done.stderr
