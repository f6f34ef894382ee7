"""Scores of real models against those of transformers' own pipeline."""

import pytest
from transformers import pipeline

from opencharacter.config import Activation, AxisConfig
from opencharacter.errors import ModelError
from opencharacter.mix.classifier import Classifier
from opencharacter.mix.scoring import scorer_name
from tests.models.classifiers import make_classifier, make_headless

TEXTS = ["you are kind", "you are awful", "what a kind and awful day", "the day", "awful " * 40]
LABELS = ["fine", "rude", "toxic"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_classifier(tmp_path_factory.mktemp("model"), TEXTS, LABELS)


def scores(folder, **settings):
    found = Classifier("a", AxisConfig(model=str(folder), **settings))(TEXTS)
    return [score.score for score in found]


def by_pipeline(folder, label, **settings):
    classify = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    rows = classify(TEXTS, truncation=True, **settings)
    return [next(one["score"] for one in row if one["label"] == label) for row in rows]


@pytest.mark.parametrize("label", LABELS)
def test_a_score_is_the_probability_that_the_pipeline_gives_the_label(folder, label):
    found = scores(folder, label=label)

    assert found == pytest.approx(by_pipeline(folder, label), abs=1e-5)
    assert len({round(score, 3) for score in found}) >= 4  # the test could tell


@pytest.mark.parametrize("activation", ["sigmoid", "none"])
def test_another_activation_is_a_setting(folder, activation):
    expected = by_pipeline(folder, "toxic", function_to_apply=activation)

    assert scores(folder, label="toxic", activation=Activation(activation)) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        pytest.param(LABELS, {"problem_type": "multi_label_classification"}, id="multi-label"),
        pytest.param(["toxic"], {"problem_type": "regression"}, id="regression"),
        pytest.param(["toxic"], {}, id="one label"),
    ],
)
def test_auto_takes_the_activation_that_the_pipeline_takes(tmp_path, labels, more):
    folder = make_classifier(tmp_path, TEXTS, labels, **more)
    label = "" if len(labels) == 1 else "toxic"

    assert scores(folder, label=label) == pytest.approx(by_pipeline(folder, "toxic"), abs=1e-5)


def test_a_text_that_is_too_long_is_cut_off_and_says_so(folder):
    found = Classifier("a", AxisConfig(model=folder, label="toxic"))(TEXTS)

    assert [score.is_cut for score in found] == [False, False, False, False, True]


def test_the_score_of_a_text_does_not_hang_on_its_batch(folder):
    classifier = Classifier("a", AxisConfig(model=folder, label="toxic"))

    alone = [classifier([text])[0].score for text in TEXTS]

    assert alone == pytest.approx([score.score for score in classifier(TEXTS)], abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, r"has 3 labels, and none is chosen; set mix\.axes\.a\.label .*: fine, "
                     "rude, toxic", id="no label"),
        pytest.param({"label": "Toxic"}, "has no label 'Toxic'.*: fine, rude, toxic", id="unknown"),
        pytest.param({"label": "toxic", "max_length": 17}, "reads 16 tokens", id="too long"),
    ],
)  # fmt: skip
def test_what_the_model_does_not_have_is_an_error_that_says_what_it_has(folder, settings, message):
    with pytest.raises(ModelError, match=message):
        Classifier("a", AxisConfig(model=folder, **settings))


def test_a_softmax_over_one_label_is_refused(tmp_path):
    folder = make_classifier(tmp_path, TEXTS, ["toxic"])

    with pytest.raises(ModelError, match="whose softmax is always 1"):
        Classifier("a", AxisConfig(model=folder, activation=Activation.softmax))


def test_a_model_without_a_trained_head_is_refused(tmp_path):
    folder = make_headless(tmp_path, TEXTS)

    with pytest.raises(ModelError, match=r"no trained text classifier: .* classifier\."):
        Classifier("a", AxisConfig(model=folder, label="LABEL_1"))


def test_a_folder_without_a_model_is_one_line(tmp_path):
    with pytest.raises(ModelError, match=r"cannot load .*; check mix\.axes\.a\.model"):
        Classifier("a", AxisConfig(model=str(tmp_path)))


def test_other_weights_are_another_scorer(tmp_path, folder):
    other = make_classifier(tmp_path, TEXTS, LABELS[:2])
    names = [scorer_name("a", AxisConfig(model=f, label="rude")) for f in (folder, other)]

    assert names[0] != names[1]
    assert all(name.endswith(" rude") for name in names)
