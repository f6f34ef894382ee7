"""Answers beside those of another run: whom reports name, and whose kin judges are."""

import json
import shutil

import pytest

from tests.evaluation.gym import write_gym


@pytest.fixture
def gym(tmp_path, settings, opencharacter):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
    }
    assert opencharacter("stage=play").returncode == 0


def folder(tmp_path, stage, run="t"):
    return tmp_path / "runs" / run / stage


def test_a_comparison_names_the_run_that_the_judges_of_the_report_read(
    opencharacter, tmp_path, gym
):
    for run in ("u", "v"):
        shutil.copytree(folder(tmp_path, "play"), folder(tmp_path, "play", run))
    first = opencharacter("stage=judge", "judge.model=ann", "judge.against=u")
    done = opencharacter("stage=judge", "judge.model=zoe-llama", "judge.against=v")
    report = opencharacter("stage=report")

    assert [each.returncode for each in (first, done, report)] == [0] * 3
    found = json.loads((folder(tmp_path, "report") / "report.json").read_text())["preferences"]
    assert list(found) == ["t over v"]
    assert found["t over v"][0]["controlled"]["n"] > 0
    assert "t over u" not in report.stdout


def test_a_judge_of_the_family_of_the_other_run_is_told(opencharacter, tmp_path, gym):
    done = [
        opencharacter("stage=play", "run=u", "player.model=llama-3"),
        opencharacter("stage=judge", "judge.model=llama-70b", "judge.against=u"),
        opencharacter("stage=report"),
    ]

    assert [each.returncode for each in done] == [0] * 3, done
    assert "judge: beside u: llama-70b@scripted is of u's family" in done[1].stderr
    text = (folder(tmp_path, "report") / "report.md").read_text()
    assert "| t over u, all judges, of u's family |" in text
    assert "Who judged t over u is, or may be, kin" in done[2].stdout
