import numpy as np
import pytest

from opencharacter.stats.intervals import mean_interval
from opencharacter.stats.variance import SOURCES, components, spread

TRUTH = {
    "character": 0.35,
    "item": 0.25,
    "sample": 0.15,
    "judge": 0.05,
    "judge with character": 0.1,
    "rest": 0.2,
}


def design(*, characters, items=4, samples=3, judges=3):
    """Return ids of characters, items, samples and judges: each judge scores each answer."""
    shape = (characters, items, samples, judges)
    return [axis.ravel() for axis in np.meshgrid(*map(np.arange, shape), indexing="ij")]


def drawn(rng, who, item, sample, judge, truth=TRUTH):
    def effect(source, *ids):
        places = np.unique(np.stack(ids), axis=1, return_inverse=True)[1]
        return np.sqrt(truth[source]) * rng.normal(size=places.max() + 1)[places]

    return (
        3
        + effect("character", who)
        + effect("item", who, item)
        + effect("sample", who, item, sample)
        + effect("judge", judge)
        + effect("judge with character", who, judge)
        + np.sqrt(truth["rest"]) * rng.normal(size=len(who))
    )


@pytest.mark.parametrize("lost", [0.0, 0.3], ids=["whole", "a third missing"])
def test_variances_are_right_in_the_mean(lost):
    found = []
    for run in range(120):
        rng = np.random.default_rng([1, run])
        ids = design(characters=15, judges=5)
        keep = rng.random(len(ids[0])) >= lost
        parts = components(drawn(rng, *ids)[keep], *(axis[keep] for axis in ids))
        found.append([parts[source].variance for source in SOURCES])

    errors = np.std(found, axis=0) / np.sqrt(len(found))
    off = (np.mean(found, axis=0) - list(TRUTH.values())) / errors
    assert np.abs(off).max() < 3


def test_a_balanced_design_gives_the_textbook_analysis_of_variance():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(6, 4)) + rng.normal(size=(6, 1))
    who, item, sample, judge = design(characters=6, items=4, samples=1, judges=1)

    found = components(y.ravel(), who, item, sample, judge)

    within = y.var(axis=1, ddof=1).mean()
    between = y.mean(axis=1).var(ddof=1) - within / 4
    assert found["rest"].variance == pytest.approx(within)
    assert found["character"].variance == pytest.approx(between)
    assert [found[name].variance for name in ("item", "sample", "judge")] == [None] * 3


def test_shares_are_of_all_sources_and_none_is_below_zero():
    rng = np.random.default_rng(3)
    ids = design(characters=12)

    found = components(drawn(rng, *ids, truth={**TRUTH, "item": 0.0, "judge": 0.0}), *ids)

    shares = [part.share for part in found.values()]
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)


def test_the_spread_planned_is_the_spread_met():
    rng = np.random.default_rng(4)
    parts = components(drawn(rng, *(ids := design(characters=300, judges=3))), *ids)

    planned = spread(parts, items=8, samples=1, judges=2) / np.sqrt(300)

    other = design(characters=300, items=8, samples=1, judges=2)
    met = mean_interval(drawn(rng, *other), other[0], method="t").se
    assert planned == pytest.approx(met, rel=0.15)


def test_the_names_of_ids_do_not_matter():
    rng = np.random.default_rng(5)
    who, item, sample, judge = design(characters=5)
    y = drawn(rng, who, item, sample, judge)
    own_items = [f"{a}/{b}" for a, b in zip(who, item, strict=True)]

    named = components(y, [f"c{a}" for a in who], own_items, sample, judge)

    plain = components(y, who, item, sample, judge)
    assert [part.share for part in named.values()] == pytest.approx(
        [part.share for part in plain.values()]
    )


def test_equal_scores_have_no_variance_and_no_shares():
    found = components([2.0] * 8, [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1] * 2, [0] * 8, [0, 1] * 4)

    assert found["character"] == (pytest.approx(0), None)


def test_no_scores_and_one_score_tell_nothing():
    assert components([], [], [], [], [])["rest"] == (None, None)
    assert components([1.0], [0], [0], [0], [0])["rest"] == (None, None)
