import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.alttest import alt_test


def marks(rng, *, noise, annotators=3, items=60, kinds=4):
    """Return marks (annotators + 1, items), the judge first; each errs with its chance `noise`."""
    truth = rng.integers(kinds, size=items)
    err = rng.random((annotators + 1, items)) < np.asarray(noise)[:, None]
    return np.where(err, rng.integers(kinds, size=err.shape), truth)


def as_lists(grid):
    return [[None if mark < 0 else float(mark) for mark in row] for row in grid]


def by_the_paper(judge, annotators, epsilon, closeness):
    """Return p, rho of judge for each annotator, as the paper's equations say, item by item."""
    found = []
    for left, own in enumerate(annotators):
        gaps, wins = [], []
        for item, mark in enumerate(own):
            others = [row[item] for at, row in enumerate(annotators) if at != left]
            others = [other for other in others if other is not None]
            if mark is None or judge[item] is None or not others:
                continue
            judged, human = closeness(judge[item], others), closeness(mark, others)
            wins.append(judged >= human)
            gaps.append(float(human >= judged) - float(judged >= human))
        found.append((stats.ttest_1samp(gaps, epsilon, alternative="less").pvalue, np.mean(wins)))
    return found


def accuracy(mark, others):
    return np.mean([mark == other for other in others])


def minus_rmse(mark, others):
    return -np.sqrt(np.mean([(mark - other) ** 2 for other in others]))


@pytest.mark.parametrize(
    ("name", "closeness"), [("equal", accuracy), ("distance", minus_rmse)], ids=["marks", "scores"]
)
def test_it_is_the_test_of_the_paper(name, closeness):
    rng = np.random.default_rng(0)
    grid = marks(rng, noise=[0.2, 0.3, 0.3, 0.4])
    grid[rng.random(grid.shape) < 0.15] = -1
    judge, *annotators = as_lists(grid)

    found = alt_test(judge, annotators, 0.1, closeness=name)

    theirs = by_the_paper(judge, annotators, 0.1, closeness)
    assert [one.p for one in found.against] == pytest.approx([p for p, _ in theirs], abs=1e-9)
    assert found.advantage == pytest.approx(np.mean([share for _, share in theirs]), abs=1e-12)


def test_a_judge_that_is_an_annotator_among_others_passes_and_a_guesser_does_not():
    rng = np.random.default_rng(1)
    judge, *annotators = as_lists(marks(rng, noise=[0.3] * 4, items=200))
    guesses = [float(mark) for mark in rng.integers(4, size=200)]

    good, bad = alt_test(judge, annotators, 0.2), alt_test(guesses, annotators, 0.2)

    assert good.passed
    assert good.winning_rate == 1
    assert not bad.passed
    assert bad.advantage < good.advantage


def test_annotators_are_beaten_by_benjamini_and_yekutieli():
    rng = np.random.default_rng(2)
    judge, *annotators = as_lists(marks(rng, noise=[0.3, 0.2, 0.5, 0.4], items=60))
    found = alt_test(judge, annotators, 0.1)

    adjusted = stats.false_discovery_control([one.p for one in found.against], method="by")

    assert [one.beaten for one in found.against] == list(adjusted <= 0.05)
    assert 0 < found.winning_rate < 1


def test_a_judge_at_the_margin_beats_an_annotator_one_time_in_twenty():
    def beats(rng):
        # of two annotators each is right on the other's items as often; the judge 0.2 less often
        lead = rng.random(100) < 0.6
        judge = np.where(lead, 1.0, 2.0)
        human = np.where(rng.random(100) < 0.8, 1.0, 2.0)
        return alt_test(judge.tolist(), [human.tolist(), [1.0] * 100], 0.2).against[0].p <= 0.05

    found = np.mean([beats(np.random.default_rng([5, run])) for run in range(1000)])

    assert 0.03 <= found <= 0.07


def test_copies_of_items_of_one_character_say_nothing_more():
    grid = marks(np.random.default_rng(3), noise=[0.3, 0.3, 0.3, 0.3], items=10)
    (judge, *annotators), (judge_10, *annotators_10) = as_lists(grid), as_lists(grid.repeat(10, 1))

    once = alt_test(judge, annotators, 0.2)
    copied = alt_test(judge_10, annotators_10, 0.2, np.arange(100) // 10)

    assert [one.p for one in copied.against] == pytest.approx([one.p for one in once.against])


def test_few_items_are_called_few():
    judge, *annotators = as_lists(marks(np.random.default_rng(4), noise=[0.3] * 4, items=29))

    assert alt_test(judge, annotators, 0.2).few


def test_an_annotator_without_items_in_common_is_not_beaten():
    found = alt_test([1, 1, 1], [[1, 1, 2], [1, 1, 1], [None, None, None]], 0.2)

    assert found.against[2] == (0, None, None, None, False)
    assert not found.against[2].beaten
    assert alt_test([], [[], []], 0.2).winning_rate is None


def test_a_judge_as_close_on_every_item_wins_once_there_are_enough_of_them():
    few, many = (alt_test([1] * n, [[1] * n, [1] * n], 0.2) for n in (2, 30))

    # An annotator closer on 0.2 of the items would be so on none of n with chance 0.8^n.
    assert [one.p for one in few.against] == pytest.approx([0.64, 0.64])
    assert [one.p for one in many.against] == pytest.approx([0.8**30] * 2)
    assert (few.passed, many.passed) == (False, True)


def test_a_judge_further_off_on_every_item_loses():
    found = alt_test([2] * 30, [[1] * 30, [1] * 30], 0.2)

    assert [one.p for one in found.against] == [1.0, 1.0]


def test_one_annotator_and_no_margin_are_refused():
    with pytest.raises(ValueError, match="1 annotators: at least two"):
        alt_test([1], [[1]], 0.2)
    with pytest.raises(ValueError, match="epsilon = 0"):
        alt_test([1], [[1], [1]], 0)
    with pytest.raises(ValueError, match=r"marks of \[1, 2\] items"):
        alt_test([1], [[1, 2], [1, 2]], 0.1)
