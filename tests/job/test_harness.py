"""lm-evaluation-harness beside play: by a stand-in of its command line, as ours cannot hold it."""

import json
import os

import pytest

from opencharacter.compose import compose_config
from opencharacter.errors import ConfigError, ModelError
from opencharacter.job.harness import check_harness, run_harness
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder

STAND_IN = """
import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if given["--tasks"] == "bad":
    sys.exit(3)
out = pathlib.Path(given["--output_path"])
out.mkdir(parents=True)
(out / "results_1.json").write_text(json.dumps(given))
"""


def config(tasks, *more):
    return compose_config(["stage=play", "suite=retention", f"suite.lm_eval=[{tasks}]", *more])


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "lm_eval.py").write_text(STAND_IN)
    path = os.pathsep.join([str(tmp_path / "lib"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))


def test_without_the_harness_the_message_says_what_to_install():
    with pytest.raises(ModelError, match=r"pip install 'lm_eval\[vllm\]'"):
        check_harness(config("ifeval"))


@pytest.mark.usefixtures("installed")
def test_tasks_run_once_on_the_players_weights(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    asked = config("ifeval,gsm8k")
    check_harness(asked)
    run_harness(folder, asked, "a")
    run_harness(folder, asked, "a")  # its stand-in would fail at the folder that is there

    [[name, given]] = results(folder)
    assert name.startswith("embedded-")
    assert given["--tasks"] == "ifeval,gsm8k"
    assert given["--model_args"].startswith("pretrained=")
    assert given["--model_args"].endswith("llm/embedded")


def results(folder):
    found = sorted((folder.path / "lm_eval").glob("*/results_1.json"))
    return [(path.parent.name, json.loads(path.read_text())) for path in found]


@pytest.mark.usefixtures("installed")
def test_another_model_or_other_tasks_are_run_of_their_own(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    other = ("ifeval,gsm8k", "player.model=embedded_base")
    for asked in (config("ifeval"), config(*other)):
        run_harness(folder, asked, "a")

    [[one, first], [two, second]] = results(folder)
    assert (first["--tasks"], second["--tasks"]) == ("ifeval", "ifeval,gsm8k")
    assert second["--model_args"].endswith("llm/embedded_base")
    assert (one.partition("-")[0], two.partition("-")[0]) == ("embedded", "embedded_base")
    run_harness(folder, config(*other, "force=true"), "a")
    assert [name for name, _ in results(folder)] == [two]


@pytest.mark.usefixtures("installed")
def test_what_play_will_refuse_runs_no_tasks(tmp_path):
    folder = StageFolder(run_dir=tmp_path, stage="play")
    names = ("settings", "inputs", "command", "at")
    write_json(folder.started_file, dict.fromkeys(names) | {"fingerprint": "a"})

    run_harness(folder, config("ifeval"), "b")
    assert results(folder) == []
    run_harness(folder, config("ifeval", "force=true"), "b")
    assert len(results(folder)) == 1


@pytest.mark.usefixtures("installed")
def test_its_failure_is_told(tmp_path):
    with pytest.raises(ModelError, match="ended with status 3"):
        run_harness(StageFolder(run_dir=tmp_path, stage="play"), config("bad"), "a")


def test_it_goes_with_retention_and_weights():
    with pytest.raises(ConfigError, match="goes with suite=retention"):
        compose_config(["stage=play", "suite.lm_eval=[ifeval]"])
    with pytest.raises(ConfigError, match=r"player\.backend is scripted"):
        check_harness(config("ifeval", "llm@player=scripted"))
