"""Rows are packed whole, each once, and over the whole data set."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencharacter.errors import TrainingError
from opencharacter.train.packing import (
    best_fit,
    efficiency,
    least_slack,
    longest_apart,
    pack,
)


@pytest.mark.parametrize("way", [best_fit, least_slack, longest_apart])
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_each_row_is_in_one_bin_and_no_bin_is_too_full(way, lengths):
    bins = way(lengths, 50)

    assert sorted(row for one in bins for row in one) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in one) <= 50 for one in bins)


def test_the_longest_go_where_they_leave_least():
    # 6 needs a bin of its own; 5 another; then 4 fits best beside 6, 3 and 2 beside 5.
    bins = pack([3, 6, 4, 5, 2], 10, seed=0)

    assert sorted(sorted(one) for one in bins) == [[0, 3, 4], [1, 2]]


def test_a_row_that_is_longer_than_a_bin_is_refused():
    with pytest.raises(TrainingError, match="a row of 51 tokens is longer than 50"):
        pack([3, 51], 50, seed=0)


def test_bins_do_not_stand_sorted_by_their_longest_row():
    lengths = list(range(100, 1, -1))
    longest = [max(lengths[row] for row in one) for one in pack(lengths, 100, seed=0)]

    assert longest != sorted(longest, reverse=True)


def test_realistic_lengths_fill_the_bins():
    random = Random(0)
    lengths = [min(4096, int(random.lognormvariate(6.6, 0.5))) for _ in range(3_000)]

    assert efficiency(lengths, len(pack(lengths, 4096, seed=0)), 4096) > 0.99


def test_rows_that_are_about_as_long_fill_the_bins_too():
    random = Random(0)
    lengths = [round(random.gauss(345, 30)) for _ in range(600)]

    assert efficiency(lengths, len(best_fit(lengths, 2048)), 2048) < 0.96
    assert efficiency(lengths, len(pack(lengths, 2048, seed=0)), 2048) > 0.98


def test_a_bin_is_filled_to_the_brim_where_it_can_be():
    lengths = [6, 5, 3, 2, 2, 2]

    # Best fit puts 3 beside 6, where one token is left over; 6, 2, 2 and 5, 3, 2 leave none.
    assert len(best_fit(lengths, 10)) == 3
    assert [sum(lengths[row] for row in one) for one in least_slack(lengths, 10)] == [10, 10]


def test_the_longest_stand_apart_where_three_of_the_others_then_fit():
    random = Random(0)
    lengths = [round(random.gauss(345, 30)) for _ in range(600)]

    # Three of the mean length have 1,035 tokens.
    assert min(len(best_fit(lengths, 1024)), len(least_slack(lengths, 1024))) > 215
    assert len(pack(lengths, 1024, seed=0)) < 214


def test_twos_of_the_longest_leave_threes():
    # 8, 6, 6 would be full, and leave four 7s to two bins of their own.
    lengths = [8, 8, 7, 7, 7, 7, 6, 6]

    assert [len(least_slack(lengths, 20)), len(longest_apart(lengths, 20))] == [4, 3]
