"""Judging by PersonaGym's published protocol, from its questions to labelled means."""

import json

from opencharacter.records import Score
from opencharacter.store.rows import read_records
from tests.evaluation.gym import TASKS, write_gym


def test_the_published_protocol_is_five_by_five_and_labelled(opencharacter, tmp_path, settings):
    gym = write_gym(tmp_path / "gym")
    settings |= {"suite": "persona_gym", "suite.path": str(gym), "suite.mode": "compat"}
    runs, rubrics = tmp_path / "runs/t", tmp_path / "rubrics"
    rubrics.mkdir()
    for task in TASKS:
        text = "{score_example} {persona} {question} {response} Therefore, the final score is ..."
        (rubrics / f"{task}.txt").write_text(text)
    assert opencharacter("stage=play").returncode == 0

    planned = opencharacter("stage=plan", f"judge.rubrics={rubrics}").stdout
    done = opencharacter("stage=judge", f"judge.rubrics={rubrics}")

    assert done.returncode == 0, done.stderr
    manifest = json.loads((runs / "judge-scripted/manifest.json").read_text())
    assert manifest["usage"]["calls"] == 3 * 5 * 10 / 5
    [line] = [line for line in planned.splitlines() if line.strip().startswith("scripted")]
    assert line.split()[1:3] == ["150", "30"]  # scores, calls
    assert "at most 3,000 output tokens a call" in planned
    found = json.loads((runs / "judge/compat.json").read_text())
    assert found["protocol"].startswith("compat: PersonaGym as published, its faults included")
    scores = list(read_records(runs / "judge/data", Score))
    assert len(scores) == found["answers"] == 150
    assert sum(s.value is None for s in scores) == found["answers_without_points"] > 0
    card = (runs / "judge-scripted/README.md").read_text()
    assert "published protocol, 5 answers a judge prompt" in card
    mixed = opencharacter("stage=judge", "suite.mode=sound")
    assert "was played with suite.mode=compat, and is to be judged with sound" in mixed.stderr
