import random

import numpy as np
import pytest

from opencharacter.minhash import Bands, Sets, band_keys, near_pairs, similarity, with_company

BANDS = Bands(24, 4)


def sets_of(*lists):
    owners = [number for number, tokens in enumerate(lists) for _ in tokens]
    tokens = np.array([token for tokens in lists for token in tokens], dtype=np.uint32)
    return Sets.of(np.array(owners), tokens, len(lists))


def pairs(sets, threshold=0.8, **options):
    n = len(sets.ends) - 1
    found = near_pairs(sets, BANDS, threshold, options.pop("rank", np.arange(n)), **options)
    return list(found.each())


def connected(pairs, n):
    """Return the first set that each is connected with, by walking until nothing changes."""
    firsts = list(range(n))
    while True:
        before = list(firsts)
        for one, other in pairs:
            firsts[one] = firsts[other] = min(firsts[one], firsts[other])
        if before == firsts:
            return firsts


def test_a_set_holds_a_token_once():
    sets = sets_of([5, 3, 5], [3], [4, 4])

    assert sets.tokens.tolist() == [3, 5, 3, 4]
    assert sets.ends.tolist() == [0, 2, 3, 4]


def test_sets_are_joined_one_after_another():
    sets = Sets.joined([sets_of([1, 2], [3]), sets_of([4, 5, 6])])

    assert sets.tokens.tolist() == [1, 2, 3, 4, 5, 6]
    assert sets.ends.tolist() == [0, 2, 3, 6]


def test_similarity_is_what_both_hold_of_what_either_holds():
    sets = sets_of([1, 2, 3, 4], [3, 4, 5], [6])
    found = similarity(sets, np.array([0, 0, 1]), np.array([1, 2, 1]))

    assert found.tolist() == [2 / 5, 0, 1]


def test_similarity_of_more_tokens_than_are_compared_at_once():
    tokens = list(range(300_000))
    sets = sets_of(tokens, tokens[:150_000], tokens[100_000:])
    found = similarity(sets, np.array([0, 0, 1]), np.array([1, 2, 2]))

    assert found.tolist() == [1 / 2, 2 / 3, 50 / 300]


def test_keys_of_a_set_do_not_hang_on_its_batch():
    rng = random.Random(0)
    lists = [[rng.getrandbits(32) for _ in range(1 + n % 9)] for n in range(3000)]
    keys = band_keys(sets_of(*lists), BANDS)

    assert keys.shape == (3000, 24)
    assert keys[2500:2600].tolist() == band_keys(sets_of(*lists[2500:2600]), BANDS).tolist()


def test_those_that_share_a_band_have_company():
    keys = np.array([[1, 2], [3, 4], [5, 2], [2, 6], [7, 4]], dtype=np.uint32)

    assert with_company(keys).tolist() == [True, True, True, False, True]
    assert with_company(keys[:0]).tolist() == []


def test_sets_of_one_hash_are_near_to_the_first_of_them_whatever_they_hold():
    sets = sets_of([1], [2], [3], [4])
    same = np.array([7, 8, 7, 7], dtype=np.uint64)

    assert pairs(sets, same=same) == [(0, 2), (0, 3)]
    assert pairs(sets, same=same, rank=np.array([3, 1, 0, 2])) == [(0, 2), (0, 3)]


def test_what_comes_behind_changes_nothing_before():
    rng = random.Random(0)
    base = [rng.getrandbits(32) for _ in range(40)]
    lists = [rng.sample(base, 36) for _ in range(300)]  # a crowd: buckets have more than 16
    found = pairs(sets_of(*lists))

    assert [pair for pair in found if pair[1] < 200] == pairs(sets_of(*lists[:200]))
    assert len(found) < 300 * 16 * BANDS.n


def test_chained_pairs_name_the_first_of_all_that_a_set_is_connected_with():
    rng = random.Random(0)
    words = [rng.getrandbits(32) for _ in range(80)]
    lists = [words[start : start + 20] for start in rng.choices(range(61), k=60)]
    sets = sets_of(*lists)  # each near to those one or two words further
    firsts = connected(pairs(sets), 60)

    assert 1 < len(set(firsts)) < 30
    assert pairs(sets, chained=True) == [(f, row) for row, f in enumerate(firsts) if f != row]


@pytest.mark.parametrize(("alike", "missed"), [(0.8, 3e-6), (0.6, 0.04)])
def test_bands_say_how_many_pairs_they_find(alike, missed):
    assert 1 - BANDS.recall(alike) == pytest.approx(missed, rel=0.2)
