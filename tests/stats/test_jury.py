import numpy as np
import pytest

from opencharacter.stats.intervals import contrast_interval, mean_interval
from opencharacter.stats.jury import centred, jury, self_preference
from tests.stats.simulated import coverage, scores

FAMILIES = {"llama-judge": "llama", "qwen-judge": "qwen", "gemma-judge": "gemma"}


def test_a_strict_judge_and_a_shy_one_say_the_same_once_centred():
    truth = np.random.default_rng(0).normal(3, 1, size=50)
    marks = {"strict": (truth - 1).tolist(), "shy": (3 + 0.2 * (truth - 3)).tolist()}

    found = centred(marks, [True] * 20 + [False] * 30)

    assert found["strict"] == pytest.approx(found["shy"])
    assert np.mean(found["shy"][:20]) == pytest.approx(
        (np.mean(marks["strict"][:20]) + np.mean(marks["shy"][:20])) / 2
    )


def test_what_is_missing_stays_missing():
    found = centred({"a": [1, 2, None, 4], "b": [2, 3, 5, None]}, [True] * 4)

    assert found["a"][2] is None
    assert found["b"][3] is None
    assert found["a"][:2] == pytest.approx(found["b"][:2])


def test_a_judge_of_one_mark_and_too_few_anchors_are_refused():
    with pytest.raises(ValueError, match="lazy gives one mark to all 3 anchors"):
        centred({"a": [1, 2, 3], "lazy": [4, 4, 4]}, [True] * 3)
    with pytest.raises(
        ValueError, match="takes 2 anchors that all 2 judges have marked, and there is 1"
    ):
        centred({"a": [1, 2, 3], "b": [4, None, 4]}, [True, True, False])


def test_the_jury_is_the_mean_and_its_range_that_without_each_judge():
    found = jury({"a": [1, 3, None], "b": [2, 4, 5], "c": [6, 8, 1]}, ["x", "y", "z"])

    assert found.mean.value == 4
    assert found.mean.n == 2
    assert {name: one.value for name, one in found.without.items()} == {"a": 5, "b": 4.5, "c": 2.5}
    assert (found.low, found.high) == (2.5, 5)


def test_a_jury_that_has_become_one_judge_is_refused():
    with pytest.raises(ValueError, match="a jury of 1"):
        jury({"a": [1, 2]})


def test_a_jury_of_nothing_has_no_mean():
    found = jury({"a": [None], "b": [1]})

    assert (found.mean.value, found.low, found.mean.n) == (None, None, 0)


def answers(rng, *, characters, preference=0.4):
    """Return marks of three judges on answers of three families; each likes its own."""
    families = np.tile(["llama", "qwen", "gemma"], characters)
    who = np.repeat(np.arange(characters), 3)
    quality = rng.normal(3, 0.7, size=characters)[who] + (families == "qwen") * 0.5
    marks = {}
    for strictness, name in enumerate(FAMILIES):
        taste = (0.3 * rng.normal(size=characters))[who]
        likes = (preference + taste) * (families == FAMILIES[name])
        marks[name] = quality - 0.3 * strictness + likes + 0.4 * rng.normal(size=len(who))
    return marks, families.tolist(), who


@pytest.mark.parametrize("characters", [10, 40])
def test_self_preference_is_held_though_judges_are_strict_and_families_good(characters):
    held = coverage(
        lambda rng: answers(rng, characters=characters),
        lambda marks, families, who, run: (
            self_preference(marks, FAMILIES, families, who)[0].estimate
        ),
        0.4,
        runs=400,
    )

    assert 0.93 <= held <= 0.97


def test_judges_without_preference_show_none():
    marks, families, who = answers(np.random.default_rng(1), characters=300, preference=0.0)

    found = self_preference(marks, FAMILIES, families, who)

    assert [one.judge for one in found] == list(FAMILIES)
    assert all(one.estimate.low < 0 < one.estimate.high for one in found)


def test_self_preference_is_what_answers_and_judges_do_not_explain():
    # answers 3, 4, 2; b stricter by 1; a gives its own family x two points more
    marks = {"a": [3 + 2, 4, 2], "b": [2, 3, 1]}

    found = self_preference(marks, {"a": "x", "b": "other"}, ["x", "y", "z"])

    assert found[0].estimate.value == pytest.approx(2)
    assert found[1].estimate.value is None


def spread_out(rng, *, characters):
    """Return marks of three judges of which one uses half of the scale, of a good family of two."""
    families, who = ["x", "y"] * (3 * characters), np.repeat(np.arange(characters), 6)
    is_x = np.array(families) == "x"
    quality = rng.normal(3, 0.7, size=characters)[who] + 0.8 * is_x
    noisy = quality + 0.4 * rng.normal(size=(3, len(who)))
    marks = {"a": noisy[0], "b": 1 + noisy[1] / 2, "c": noisy[2] - 1}
    return {name: row.tolist() for name, row in marks.items()}, families, who


@pytest.mark.parametrize(("one_spread", "held"), [(True, True), (False, False)])
def test_a_judge_that_uses_half_of_the_scale_makes_no_other_judge_prefer(one_spread, held):
    found = coverage(
        lambda rng: spread_out(rng, characters=20),
        lambda marks, families, who, run: (
            self_preference(
                marks, {"a": "x", "b": "o", "c": "p"}, families, who, one_spread=one_spread
            )[0].estimate
        ),
        0.0,
        runs=300,
    )

    assert (found >= 0.92) is held


def test_one_spread_takes_answers_that_all_have_marked():
    marks = {"a": [1.0, 2.0, None], "b": [None, 1.0, 2.0]}
    with pytest.raises(ValueError, match="1 answers that all 2 judges have marked"):
        self_preference(marks, {"a": "x", "b": "y"}, ["x", "x", "z"], one_spread=True)
    flat = {"a": [1.0, 2.0, 3.0], "b": [2.0, 2.0, 2.0]}
    with pytest.raises(ValueError, match="b gives one mark"):
        self_preference(flat, {"a": "x", "b": "y"}, ["x", "x", "z"], one_spread=True)


def test_two_judges_and_their_two_families_cannot_tell_who_prefers():
    found = self_preference({"a": [5, 2], "b": [3, 4]}, {"a": "x", "b": "y"}, ["x", "y"])

    assert [one.estimate.value for one in found] == [None, None]
    assert self_preference({}, {}, []) == []
    assert self_preference({"a": [], "b": []}, {"a": "x", "b": "y"}, [])[0].estimate.value is None


def test_a_judge_without_a_family_is_refused():
    with pytest.raises(ValueError, match="no family is given for b"):
        self_preference({"a": [1], "b": [1]}, {"a": "x"}, ["x"])


@pytest.mark.parametrize("sides", [(10, 10), (12, 60)])
def test_a_contrast_of_different_characters_is_held(sides):
    def draw(rng):
        one, who = scores(rng, characters=sides[0], mean=0.5)
        other, others = scores(rng, characters=sides[1])
        values, side = np.concatenate([one, other]), np.arange(len(one) + len(other)) < len(one)
        return values, side, np.concatenate([who, 1000 + others])

    held = coverage(draw, lambda y, side, who, run: contrast_interval(y, side, who), 0.5, runs=800)

    assert 0.93 <= held <= 0.97


def test_a_contrast_inside_of_characters_is_the_paired_difference():
    a, b = np.random.default_rng(2).normal(size=(2, 12))
    who = list(range(12))

    found = contrast_interval(np.concatenate([a, b]), [1] * 12 + [0] * 12, who + who)

    paired = mean_interval(a - b, who, method="t")
    assert (found.low, found.high) == pytest.approx((paired.low, paired.high))


def test_a_contrast_without_another_side_has_no_value():
    assert contrast_interval([1, 2], [1, 1]).value is None
    assert contrast_interval([], []).value is None
    assert contrast_interval([1, 2, 3], [1, 0, 0], ["a", "b", "c"]).low is None
