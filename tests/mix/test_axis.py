import pytest

from opencharacter.config import AxisConfig, Direction
from opencharacter.errors import ConfigError
from opencharacter.mix.axis import Axis, distribution, percentile_cut
from opencharacter.mix.scoring import RowScores, TextScore


def axis_of(scores, **settings):
    """Return an axis of rows with one text each, named by their place."""
    axis = Axis(name="a", config=AxisConfig(function="m:f", **settings), scorer="m:f@1")
    for place, score in enumerate(scores):
        axis.add(RowScores(str(place), [TextScore(score)]))
    return axis


def dropped(scores, **settings):
    return sorted(axis_of(scores, **settings).refusals(), key=int)


@pytest.mark.parametrize(
    ("direction", "gone"),
    [
        pytest.param("drop_above", ["3"], id="drop above"),
        pytest.param("keep_below", ["3"], id="keep below"),
        pytest.param("drop_below", ["0", "1"], id="drop below"),
        pytest.param("keep_above", ["0", "1"], id="keep above"),
    ],
)
def test_a_score_that_equals_the_threshold_always_stays(direction, gone):
    scores = [0.1, 0.2, 0.5, 0.9]

    assert dropped(scores, direction=Direction(direction), threshold=0.5) == gone


@pytest.mark.parametrize(
    ("percentile", "direction", "n_gone"),
    [
        pytest.param(95, "drop_above", 5, id="the highest 5 of 100"),
        pytest.param(95, "drop_below", 95, id="the lowest 95 of 100"),
        pytest.param(75, "keep_above", 75, id="keep the highest quarter"),
        pytest.param(99.5, "drop_above", 0, id="half a row is none"),
        pytest.param(100, "drop_above", 0, id="above the highest is none"),
        pytest.param(0, "drop_below", 0, id="below the lowest is none"),
    ],
)
def test_a_percentile_leaves_out_at_most_its_share(percentile, direction, n_gone):
    scores = [(n * 37 % 100) / 100 for n in range(100)]  # 0.00 to 0.99 in another order
    gone = dropped(scores, direction=Direction(direction), percentile=percentile)

    assert len(gone) == n_gone
    if n_gone:
        kept = [score for n, score in enumerate(scores) if str(n) not in gone]
        outside = [scores[int(n)] for n in gone]
        high = "drop_above" in direction
        assert min(outside) > max(kept) if high else max(outside) < min(kept)


def test_the_cut_is_one_of_the_scores_and_equal_scores_stay_together():
    assert percentile_cut([0.1, 0.1, 0.7, 0.7], 50, drops_high=True) == 0.1
    assert dropped([0.7, 0.1, 0.7, 0.1], percentile=50) == ["0", "2"]
    assert dropped([0.7] * 10, percentile=50) == []


def test_without_a_cut_nothing_is_left_out():
    assert axis_of([0.1, None]).refusals() == {}


def test_a_row_without_a_score_is_left_out_where_there_is_a_cut():
    axis = axis_of([0.2, None], threshold=0.5)

    assert axis.refusals()["1"] == ("axis_a", "no score by m:f@1")


@pytest.mark.parametrize(
    ("direction", "score"), [("drop_above", 0.9), ("drop_below", 0.1), ("keep_above", 0.1)]
)
def test_the_turn_that_is_nearest_to_being_left_out_decides(direction, score):
    axis = axis_of([], direction=Direction(direction))
    axis.add(RowScores("r", [TextScore(0.3), TextScore(0.9, is_cut=True), TextScore(0.1)]))

    assert (axis.scores, axis.cuts) == ([score], [1])


def test_a_refusal_says_score_cut_and_scorer():
    refusal = axis_of([0.91, 0.5, 0.2], percentile=50).refusals()["0"]

    assert refusal.reason == "axis_a"
    assert refusal.detail == "score 0.91 is above the cut 0.5, percentile 50 (m:f@1)"


def test_a_distribution_of_probabilities_is_drawn_from_0_to_1():
    found = distribution([0.0, 0.04, 0.5, 1.0])

    assert (found.n, found.mean, found.quantiles["0"], found.quantiles["100"]) == (4, 0.385, 0, 1)
    assert [one.n for one in found.histogram] == [2, *[0] * 9, 1, *[0] * 8, 1]


def test_a_distribution_of_anything_else_is_drawn_from_the_lowest_to_the_highest():
    found = distribution([-3.0, 1.0, 7.0])

    assert (found.histogram[0].low, found.histogram[-1].high) == (-3.0, 7.0)
    assert distribution([2.0, 2.0]).histogram[0].n == 2
    assert distribution([]) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, "give one of the two", id="neither"),
        pytest.param({"model": "m", "function": "a:b"}, "give one of the two", id="both"),
        pytest.param({"function": "a.b"}, "write module:function", id="no colon"),
        pytest.param({"function": "a:b", "label": "x"}, "are a model's", id="label of a function"),
        pytest.param({"model": "m", "threshold": 1, "percentile": 5}, "to null", id="two cuts"),
        pytest.param({"model": "m", "percentile": 101}, r"in \[0, 100\]", id="percentile"),
        pytest.param({"model": "m", "max_length": 2}, ">= 8 tokens", id="length"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        AxisConfig(**settings)
