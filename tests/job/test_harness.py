"""lm-evaluation-harness beside play: by a stand-in of its command line, as ours cannot hold it."""

import json
import os

import pytest

from opencharacter.compose import compose_config
from opencharacter.config import data_settings
from opencharacter.errors import ConfigError, ModelError, StoreError
from opencharacter.job.harness import (
    check_harness,
    harness_command,
    harness_facts,
    run_harness,
)
from opencharacter.llm.opening import model_name
from opencharacter.store.claims import Claims
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder

STAND_IN = """
import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if given["--tasks"] == "silent":
    sys.exit(0)
if given["--tasks"] == "bad":
    sys.exit(3)
out = pathlib.Path(given["--output_path"])
out.mkdir(parents=True)
measured = {"acc,none": 0.5, "acc_stderr,none": 0.25, "sample_len": 4, "alias": given["--tasks"]}
kept = {"given": given, "results": {given["--tasks"]: measured}}
(out / "results_1.json").write_text(json.dumps(kept))
"""


def config(tasks, *more):
    return compose_config(["stage=play", "suite=retention", f"suite.lm_eval=[{tasks}]", *more])


def run(folder, asked, fingerprint="a"):
    with Claims(folder.path / "claims", timeout_s=60) as claims:
        run_harness(folder, asked, fingerprint, claims)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "lm_eval.py").write_text(STAND_IN)
    path = os.pathsep.join([str(tmp_path / "lib"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))


def test_without_the_harness_the_message_says_what_to_install():
    with pytest.raises(ModelError, match="pip install lm_eval"):
        check_harness(config("ifeval"))


@pytest.mark.usefixtures("installed")
def test_tasks_run_once_on_the_players_weights(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    asked = config("ifeval,gsm8k")
    check_harness(asked)
    run(folder, asked)
    run(folder, asked)  # its stand-in would fail at the folder that is there

    [[name, given]] = results(folder)
    assert name.startswith("embedded-")
    assert given["--tasks"] == "ifeval,gsm8k"
    assert given["--model_args"].startswith("pretrained=")
    assert "llm/embedded," in given["--model_args"]


def results(folder):
    found = sorted((folder.path / "lm_eval").glob("*/results_1.json"))
    return [(path.parent.name, json.loads(path.read_text())["given"]) for path in found]


@pytest.mark.usefixtures("installed")
def test_another_model_or_other_tasks_are_run_of_their_own(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    other = ("ifeval,gsm8k", "player.model=embedded_base")
    for asked in (config("ifeval"), config(*other)):
        run(folder, asked)

    [[one, first], [two, second]] = results(folder)
    assert (first["--tasks"], second["--tasks"]) == ("ifeval", "ifeval,gsm8k")
    assert "llm/embedded_base," in second["--model_args"]
    assert (one.partition("-")[0], two.partition("-")[0]) == ("embedded", "embedded_base")
    run(folder, config(*other, "force=true"))
    assert [name for name, _ in results(folder)] == [one, two]


@pytest.mark.usefixtures("installed")
def test_what_play_will_refuse_runs_no_tasks(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    names = ("settings", "inputs", "command", "at")
    write_json(folder.started_file, dict.fromkeys(names) | {"fingerprint": "a"})

    run(folder, config("ifeval"), "b")
    assert results(folder) == []
    run(folder, config("ifeval", "force=true"), "b")
    assert len(results(folder)) == 1


@pytest.mark.usefixtures("installed")
def test_its_failure_is_told(tmp_path):
    with pytest.raises(ModelError, match="ended with status 3"):
        run(StageFolder(run_dir=tmp_path, stage="play"), config("bad"))


@pytest.mark.usefixtures("installed")
def test_what_leaves_no_results_has_not_run(tmp_path):
    with pytest.raises(ModelError, match="left no results"):
        run(StageFolder(run_dir=tmp_path, stage="play"), config("silent"))


@pytest.mark.usefixtures("installed")
def test_of_several_processes_one_runs_the_tasks(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    with Claims(folder.path / "claims", timeout_s=60) as other:
        other.take("lm_eval")
        run(folder, config("ifeval"))
        assert results(folder) == []

    run(folder, config("ifeval"))
    assert len(results(folder)) == 1


def start(folder, asked):
    """Start a play as the stage does; nothing of it is done."""
    settings = {
        "suite": data_settings(asked.suite),
        "versions": {"model": model_name(asked.player)},
    }
    about = {"fingerprint": "a", "settings": settings, "inputs": {}, "command": "", "at": 0.0}
    write_json(folder.started_file, about)


@pytest.mark.usefixtures("installed")
def test_a_report_tells_what_its_own_play_measured_after_another_play_failed(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    run(folder, config("mine"))
    start(folder, config("mine"))
    run(folder, config("theirs", "player.model=embedded_base", "force=true"))  # its play failed
    run(folder, config("mine", "player.model=embedded_base", "force=true"))

    assert len(results(folder)) == 3
    assert list(harness_facts(folder)) == ["lm_eval mine"]
    [*_, [other, _]] = [kept for kept in results(folder) if kept[0].startswith("embedded_base")]
    (folder.path / "lm_eval" / other / "results_1.json").write_text("{")
    assert list(harness_facts(folder)) == ["lm_eval mine"]


@pytest.mark.usefixtures("installed")
def test_a_play_that_asked_for_no_tasks_tells_none(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    run(folder, config("ours"))
    assert harness_facts(folder) == {}
    start(folder, config(""))
    assert harness_facts(folder) == {}


@pytest.mark.usefixtures("installed")
def test_a_report_tells_what_it_measured_and_nothing_of_a_run_that_was_killed(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    run(folder, config("ours"))
    start(folder, config("ours"))
    torn = folder.path / "lm_eval" / f"{results(folder)[0][0]}.partial" / "results_1.json"
    torn.parent.mkdir()
    torn.write_text("{")

    assert harness_facts(folder) == {"lm_eval ours": "acc 0.5000 (standard error 0.2500), n 4"}


@pytest.mark.usefixtures("installed")
def test_a_damaged_file_of_results_is_told(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    run(folder, config("ours"))
    start(folder, config("ours"))
    [kept] = folder.path.glob("lm_eval/*/results_1.json")
    kept.write_text("{")

    with pytest.raises(StoreError, match=r"results_1\.json is damaged"):
        harness_facts(folder)


def test_weights_of_the_hub_are_those_that_play_asks(tmp_path):
    given = ("player.model=a/b", "player.revision=0123", 'suite.lm_eval_options=["--limit=9"]')
    words = harness_command(config("ifeval", *given), tmp_path)

    asked = words[words.index("--model_args") + 1].split(",")
    assert {"pretrained=a/b", "dtype=auto", "revision=0123"} <= set(asked)
    assert words[-1] == "--limit=9"


def test_it_goes_with_retention_and_weights():
    with pytest.raises(ConfigError, match="goes with suite=retention"):
        compose_config(["stage=play", "suite.lm_eval=[ifeval]"])
    with pytest.raises(ConfigError, match="names no task"):
        config("", 'suite.lm_eval_options=["--limit=9"]')
    with pytest.raises(ConfigError, match=r"player\.backend is scripted"):
        check_harness(config("ifeval", "llm@player=scripted"))
