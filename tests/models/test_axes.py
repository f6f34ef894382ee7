"""Real classifiers as axes of a mixture."""

import pytest

from tests.models.classifiers import train_classifier
from tests.stages.test_axes import QUESTIONS, axis
from tests.stages.test_mix import outcome, rejected


@pytest.fixture(autouse=True)
def _run_of_two_methods(opencharacter):
    assert opencharacter("stage=synth", "personas.heldout=0").returncode == 0


def test_a_trained_classifier_leaves_out_what_it_calls_toxic(opencharacter, tmp_path):
    toxic = [" 13 " in question for question in QUESTIONS]
    model = train_classifier(tmp_path / "model", QUESTIONS, toxic)

    done = opencharacter(
        "stage=mix", f"mix.axes={{toxicity:{{model:{model},label:toxic,text:user,threshold:0.5}}}}"
    )

    assert done.returncode == 0, done.stderr
    counts, folder = outcome(tmp_path)
    assert (counts["rejected"], counts["out"]) == ({"axis_toxicity": 6}, 66)
    _, _, detail, _, excerpt = rejected(folder)[0]
    assert "is above the cut 0.5 (model@" in detail
    assert "How many legs have 13 cats?" in excerpt
    assert "6 of 72 responses are above 0.5 and left out" in done.stdout


def test_a_wrong_label_costs_nothing(opencharacter, tmp_path):
    model = train_classifier(tmp_path / "model", QUESTIONS, [False] * len(QUESTIONS), steps=1)
    settings = f"model:{model},text:user,threshold:0.5"

    wrong = opencharacter("stage=mix", axis(settings))
    right = opencharacter("stage=mix", axis(f"{settings},label:toxic"))

    assert wrong.returncode == 2
    assert "2 labels, and none is chosen; set mix.axes.cats.label" in wrong.stderr
    assert right.returncode == 0, right.stderr
