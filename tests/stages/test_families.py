"""Judges of whom nothing says whose kin they are: told in every report, with what mends it."""

import json

import pytest

from opencharacter.compose import compose_config
from opencharacter.job.kinship import juror_setting, unknown_families
from opencharacter.store.files import write_json
from tests.evaluation.gym import write_gym


@pytest.fixture
def gym(tmp_path, settings):
    settings |= {
        "suite": "persona_gym",
        "suite.path": str(write_gym(tmp_path / "gym", n=2)),
        "suite.questions": "2",
        "player.model": "my-oc-8b",
    }


def folder(tmp_path, stage):
    return tmp_path / "runs" / "t" / stage


def withheld(tmp_path):
    return " ".join(
        json.loads((folder(tmp_path, "report") / "report.json").read_text())["withheld"]
    )


def test_a_model_of_no_known_family_is_told(opencharacter, gym):
    assert opencharacter("stage=play").returncode == 0
    told = "my-oc-8b@scripted: the name says no family"
    assert told in opencharacter("stage=judge").stderr
    assert told not in opencharacter("stage=judge", "player.family=llama").stderr


def test_where_rules_alone_score_no_family_is_asked_for(opencharacter, settings):
    settings |= {"suite": "retention", "player.model": "my-oc-8b"}
    done = opencharacter("stage=eval")

    assert done.returncode == 0, done.stderr
    assert "the name says no family" not in done.stderr


def test_judges_that_may_be_kin_make_no_headline_until_families_are_stated(
    opencharacter, tmp_path, gym
):
    assert opencharacter("stage=eval", "judge.model=owl").returncode == 0
    told = withheld(tmp_path)
    assert "Nothing says the family of my-oc-8b@scripted" in told
    assert "state it with player.family=" in told
    assert "Nothing says the family of owl@scripted" in told
    for text in ("report.md", "report.html"):
        page = (folder(tmp_path, "report") / text).read_text()
        assert "Nothing says the family of my-oc-8b@scripted" in page

    stated = ("judge.model=owl", "judge.family=qwen", "player.family=llama")
    done = opencharacter("stage=judge", *stated)
    assert (done.returncode, "opening" in done.stderr) == (0, False)
    assert opencharacter("stage=report").returncode == 0
    assert "family" not in withheld(tmp_path)


@pytest.mark.parametrize(
    ("base", "teacher", "found"),
    [
        ("llama-3@1", "qwen@1", {}),
        ("ours@1", "qwen@1", {"mine@1": "player.family="}),
        ("llama-3@1", "ours@1", {"ours@1": "teacher.family="}),
    ],
    ids=["both known", "unknown base", "unknown teacher"],
)
def test_what_is_trained_here_is_of_the_family_of_its_base(tmp_path, base, teacher, found):
    versions = {"train": {"base": base}, "generate": {"model": teacher}}
    for stage, of in versions.items():
        start(tmp_path / "trained" / stage, {"versions": of})
    checkpoint = str(tmp_path / "trained" / "train" / "model")
    start(tmp_path / "t" / "play", {"player": {"model": checkpoint}})
    config = compose_config(["stage=judge", "run=t"])

    assert unknown_families(config, config.judge.members, ["mine@1"], tmp_path / "t") == found


def test_a_juror_is_told_where_its_family_can_be_stated(tmp_path):
    given = "judge.jurors={owl:{backend:scripted,model:owl},endpoint:{backend:scripted,model:elk}}"
    asked = ["stage=judge", "run=t", given, "judge.jury=[owl,endpoint,scripted]"]
    config = compose_config(asked)
    members = config.judge.members

    assert unknown_families(config, members, [], tmp_path / "t") == {
        "owl@scripted": "judge.jurors.owl.family=",
        "elk@scripted": "judge.jurors.endpoint.family=",  # not the file of that name
    }
    told = juror_setting("scripted", members["scripted"])  # Hydra sets no part of a file's
    assert told == "'family:' in conf/llm/scripted.yaml"
    stated = compose_config([*asked, "judge.jurors.owl.family=qwen"])
    assert stated.judge.members["owl"].family == "qwen"


def start(folder, settings):
    about = {"fingerprint": "f", "settings": settings, "inputs": {}, "command": "", "at": 0.0}
    write_json(folder / "started.json", about)
