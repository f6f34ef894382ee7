"""The judge stage on the real engine with the embedded model, which is trained to judge."""

import subprocess
import sys
from random import Random
from statistics import fmean

import pytest

from opencharacter.prompts.rubrics import load_rubric
from opencharacter.records import Score
from opencharacter.store.rows import read_records
from opencharacter.train.embedded.check import open_model
from opencharacter.train.embedded.check_judging import ask_labels
from opencharacter.train.embedded.pretrain import JUDGE_FOLDER
from opencharacter.train.embedded.scenes import Scene
from tests.evaluation.gym import write_gym

pytest.importorskip("vllm")
PAIRS = 40


@pytest.mark.slow
def test_the_embedded_model_gives_verdicts_and_is_told_to_be_kin(tmp_path):
    gym = write_gym(tmp_path / "gym", people=["A 30-year-old baker from Oslo"], n=1)
    given = ["run=t", f"runs_dir={tmp_path}/runs", f"suite.path={gym}", "suite.questions=1"]
    done = subprocess.run(  # two engines in one process, one after the other
        [sys.executable, "-m", "opencharacter", "stage=eval", *given],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    scores = list(read_records(tmp_path / "runs" / "t" / "judge" / "data", Score))

    assert len(scores) == 5
    asked = [score for score in scores if score.mass is not None]
    assert asked
    for score in asked:
        assert 0.5 <= score.mass <= 1 + 1e-6
        assert score.mass == pytest.approx(sum(score.probabilities))
        assert score.unscored is None
        assert 1 <= score.value <= 5
    assert "is of the tested model's own family, embedded" in done.stderr


@pytest.mark.slow
def test_somebody_elses_answer_gets_less_than_the_characters_own():
    random, rubric = Random("pairs"), load_rubric("role_play")
    criterion = rubric.criteria["persona_consistency"]
    prompts = []
    for _ in range(PAIRS):
        scene = Scene.drawn(random, heldout=True)
        for kind in ("own", "swapped"):
            answer = scene.answer(random, kind, firm=True).text
            prompts.append(rubric.render(criterion, scene.shown(answer)))
    model = open_model(JUDGE_FOLDER)
    told = ask_labels(model, prompts)
    model.close()

    assert sum(verdict.mass >= 0.5 for verdict in told) >= 0.98 * len(told)
    own, swapped = (fmean(verdict.value for verdict in told[at::2]) for at in (0, 1))
    assert own > swapped + 0.3
