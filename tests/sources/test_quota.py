import random
from collections import Counter

import pytest

from opencharacter.sources.quota import Quota

ROWS = [(label, random.Random(f"{label}{i}").randrange(2**64)) for label, n in
        (("a", 50), ("b", 20), ("c", 3)) for i in range(n)]  # fmt: skip


def kept(rows, n, shares=None, step=None):
    quota = Quota(n, shares or {})
    for number, (label, key) in enumerate(rows):
        quota.offer(label, key)
        if step and number % step == 0:
            quota.settle()
    quota.settle()
    labels = [quota.labels[number] for number in quota.kept.strata]
    return list(zip(labels, quota.kept.keys.tolist(), strict=True))


def test_one_stratum_keeps_the_smallest_keys_in_order():
    rows = [("", key) for key in (9, 3, 2**64 - 1, 3, 5, 1)]

    assert [key for _, key in kept(rows, 3)] == [1, 3, 5]


def test_strata_take_turns_and_one_that_runs_dry_leaves_its_share_to_the_others():
    assert Counter(label for label, _ in kept(ROWS, 6)) == {"a": 2, "b": 2, "c": 2}
    assert Counter(label for label, _ in kept(ROWS, 23)) == {"a": 10, "b": 10, "c": 3}


def test_declared_shares_are_kept_and_what_has_none_is_left_out():
    assert Counter(label for label, _ in kept(ROWS, 20, {"a": 3, "b": 1})) == {"a": 15, "b": 5}


@pytest.mark.parametrize("shares", [None, {"a": 3, "b": 1}, {"c": 1, "a": 0.5}])
@pytest.mark.parametrize("step", [1, 7, None])
def test_neither_order_nor_the_times_of_settling_change_what_is_kept(shares, step):
    shuffled = random.Random(step).sample(ROWS, len(ROWS))

    assert kept(shuffled, 17, shares, step) == kept(ROWS, 17, shares)


def test_a_smaller_sample_is_the_beginning_of_a_larger():
    assert kept(ROWS, 40, step=5)[:11] == kept(ROWS, 11, step=3)


def test_a_bound_never_turns_away_a_row_that_would_be_kept():
    quota = Quota(10, {})
    for label, key in ROWS:
        quota.offer(label, key)
        quota.settle()
    wanted = dict.fromkeys(kept(ROWS, 10))

    assert all(key <= quota.bounds.of(label) for label, key in wanted)
    assert sum(key <= quota.bounds.of(label) for label, key in ROWS) < 15


def test_fewer_rows_than_asked_for_are_all_kept():
    assert len(kept(ROWS, 1000)) == 73
