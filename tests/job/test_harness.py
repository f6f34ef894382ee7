"""lm-evaluation-harness beside play: by a stand-in of its command line, as ours cannot hold it."""

import json
import os

import pytest

from opencharacter.compose import compose_config
from opencharacter.errors import ConfigError, ModelError
from opencharacter.job.harness import check_harness, run_harness
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
    run_harness(folder, asked)
    run_harness(folder, asked)  # its stand-in would fail at the folder that is there

    given = json.loads((folder.path / "lm_eval" / "results_1.json").read_text())
    assert given["--tasks"] == "ifeval,gsm8k"
    assert given["--model_args"].startswith("pretrained=")
    assert given["--model_args"].endswith("llm/embedded")


@pytest.mark.usefixtures("installed")
def test_its_failure_is_told(tmp_path):
    with pytest.raises(ModelError, match="ended with status 3"):
        run_harness(StageFolder(run_dir=tmp_path, stage="play"), config("bad"))


def test_it_goes_with_retention_and_weights():
    with pytest.raises(ConfigError, match="goes with suite=retention"):
        compose_config(["stage=play", "suite.lm_eval=[ifeval]"])
    with pytest.raises(ConfigError, match=r"player\.backend is scripted"):
        check_harness(config("ifeval", "llm@player=scripted"))
