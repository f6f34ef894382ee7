"""The judge stage on the real engine with the embedded model."""

import subprocess
import sys

import pytest

from opencharacter.records import Score
from opencharacter.store.rows import read_records
from tests.evaluation.gym import write_gym

pytest.importorskip("vllm")


@pytest.mark.slow
def test_label_probabilities_of_the_engine_are_honest(tmp_path):
    gym = write_gym(tmp_path / "gym", people=["A 30-year-old baker from Oslo"], n=1)
    given = ["run=t", f"runs_dir={tmp_path}/runs", f"suite.path={gym}", "suite.questions=1"]
    for stage in ("play", "judge"):
        done = subprocess.run(
            [sys.executable, "-m", "opencharacter", f"stage={stage}", *given],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    scores = list(read_records(tmp_path / "runs" / "t" / "judge" / "data", Score))

    assert len(scores) == 5
    asked = [score for score in scores if score.mass is not None]
    assert asked
    for score in asked:  # it is not trained to judge, and its probabilities say so
        assert 0 < score.mass < 0.5
        assert score.mass == pytest.approx(sum(score.probabilities))
        assert (score.value, score.unscored) == (None, "off_format")
