import numpy as np
import pytest

from opencharacter.stats.arrays import bootstrap_sums, bootstrap_weights, finite, groups_of, totals


def test_each_draw_takes_as_many_clusters_as_there_are():
    blocks = list(bootstrap_weights(900_000, 5, 0))

    assert [len(block) for block in blocks] == [2, 2, 1]  # memory is bounded
    assert all((block.sum(axis=1) == 900_000).all() for block in blocks)


def test_sums_of_draws_vary_as_theory_says():
    columns = np.random.default_rng(0).normal(size=(50, 2))

    sums = bootstrap_sums(columns, 20_000, 1)

    assert sums.mean(axis=0) == pytest.approx(columns.sum(axis=0), abs=0.3)
    assert sums.var(axis=0) == pytest.approx(50 * columns.var(axis=0), rel=0.05)


def test_a_seed_is_the_same_draws():
    columns = np.arange(6.0).reshape(3, 2)

    assert (bootstrap_sums(columns, 9, 4) == bootstrap_sums(columns, 9, 4)).all()
    assert (bootstrap_sums(columns, 9, 4) != bootstrap_sums(columns, 9, 5)).any()


def test_rows_are_summed_by_their_cluster():
    groups = groups_of(["b", "a", "b"], 3)

    assert totals(groups, np.array([1.0, 2, 4]), np.ones(3)).tolist() == [[2, 1], [5, 2]]
    assert groups_of(None, 3).tolist() == [0, 1, 2]
    assert groups_of([], 0).tolist() == []


def test_a_table_is_no_row_of_scores():
    with pytest.raises(ValueError, match=r"scores have shape \(1, 2\)"):
        finite([[1, 2]], "scores")


def test_what_is_no_number_is_counted():
    with pytest.raises(ValueError, match=r"values\[1\] is inf \(2 of 3 are no numbers\)"):
        finite([1, np.inf, np.nan])
