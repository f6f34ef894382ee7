from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencharacter.errors import ConfigError
from opencharacter.synth.assign import Pair, assign_characters


def corpus(*sizes):
    return {f"s{j}": [f"s{j}-{i}" for i in range(size)] for j, size in enumerate(sizes)}


def cast(size):
    return [f"c{i}" for i in range(size)]


def uses(pairs, characters):
    """Return the set of how often each character occurs, unused ones included."""
    counts = Counter(pair.character_id for pair in pairs)
    return {counts[character] for character in characters}


SIZES = st.lists(st.integers(0, 12), min_size=1, max_size=4)


@st.composite
def small_draws(draw):
    size = draw(st.integers(1, 14))
    n = draw(st.integers(1, size))
    return corpus(*draw(SIZES)), cast(size), n, draw(st.integers(0, 9))


@st.composite
def large_pools(draw):
    size = draw(st.integers(65, 90))
    n = draw(st.integers(1, size // 4))
    sizes = draw(st.lists(st.integers(1, 80), min_size=1, max_size=4))
    return corpus(*sizes), cast(size), n, draw(st.integers(0, 9))


def check(instructions, characters, n, seed):
    pairs = list(assign_characters(instructions, characters, n=n, seed=seed))
    total, size = sum(map(len, instructions.values())), len(characters)

    assert len({(pair.instruction_id, pair.character_id) for pair in pairs}) == n * total
    for k in range(1, n + 1):
        first = [pair for pair in pairs if pair.draw < k]
        assert uses(first, characters) <= {k * total // size, -(-k * total // size)}
        assert first == list(assign_characters(instructions, characters, n=k, seed=seed))


@given(small_draws())
@settings(max_examples=200)
def test_small_pools_are_distinct_balanced_and_nested_up_to_all_characters(case):
    check(*case)


@given(large_pools())
@settings(max_examples=40)
def test_large_pools_are_distinct_balanced_and_nested(case):
    check(*case)


@pytest.mark.parametrize("n", [17, 30, 67])
def test_more_than_a_quarter_of_a_large_pool_is_distinct_and_balanced(n):
    pairs = list(assign_characters(corpus(40, 9), cast(67), n=n, seed=0))

    assert len({pair[:2] for pair in pairs}) == 49 * n
    assert uses(pairs, cast(67)) <= {49 * n // 67, -(-49 * n // 67)}


@pytest.mark.parametrize("size", [9, 70, 200])
def test_order_and_repeats_of_ids_do_not_matter(size):
    plain = list(assign_characters(corpus(30, 20), cast(size), n=2, seed=5))
    turned = {s: [*reversed(ids), ids[0]] for s, ids in reversed(corpus(30, 20).items())}

    assert list(assign_characters(turned, [*reversed(cast(size)), "c0"], n=2, seed=5)) == plain


@pytest.mark.parametrize("size", [9, 70, 200])
def test_another_seed_is_another_draw(size):
    draws = [list(assign_characters(corpus(30), cast(size), n=2, seed=seed)) for seed in (0, 1)]

    assert set(draws[0]) != set(draws[1])


@pytest.mark.parametrize("size", [40, 100])
def test_the_same_place_in_two_sources_gets_unrelated_characters(size):
    by_line = {}
    for pair in assign_characters(corpus(1000, 1000), cast(size), n=3, seed=0):
        by_line.setdefault(pair.instruction_id, set()).add(pair.character_id)
    shared = sum(len(by_line[f"s0-{k}"] & by_line[f"s1-{k}"]) for k in range(1000))

    # Unrelated draws of 3 out of `size` share 9 / size characters in the mean.
    assert 0.7 * 9000 / size < shared < 1.3 * 9000 / size


def test_use_within_a_source_is_even_too():
    instructions = corpus(700, 150, 60)
    pairs = list(assign_characters(instructions, cast(200), n=3, seed=0))

    for source, ids in instructions.items():
        own = [pair for pair in pairs if pair.source == source]
        mean = 3 * len(ids) / 200
        assert all(mean - 1.5 < used < mean + 1.5 for used in uses(own, cast(200)))


def test_pairs_come_draw_by_draw_with_their_source():
    pairs = list(assign_characters(corpus(2, 1), cast(3), n=2, seed=0))

    assert all(a.draw <= b.draw for a, b in pairwise(pairs))
    assert [pair.source for pair in pairs] == ["s0", "s0", "s1"] * 2
    assert isinstance(pairs[0], Pair)


def test_asking_for_too_many_fails_at_once():
    with pytest.raises(ConfigError, match=r"asked for 3 distinct .* only 2 that .*; lower synth\."):
        assign_characters(corpus(1), cast(2), n=3, seed=0)


@pytest.mark.parametrize("size", [3, 100])
def test_no_instructions_give_no_pairs(size):
    assert list(assign_characters({"s0": []}, cast(size), n=3, seed=0)) == []
