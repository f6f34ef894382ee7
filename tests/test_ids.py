"""Ids and seeds hang on content alone, and are the same on every machine."""

import pytest

from opencharacter.ids import (
    canonical_json,
    content_id,
    part_of,
    request_seed,
    shuffled,
    stable_fraction,
)


def test_an_id_is_the_same_on_every_machine():
    # printf '["persona","hub","A baker"]' | sha256sum
    assert content_id("persona", "hub", "A baker") == "persona-e076a98d83cb2b8963e7fefd"


def test_parts_of_an_id_are_told_apart():
    assert content_id("k", "ab", "c") != content_id("k", "a", "bc")


def test_seeds_differ_by_stage_turn_and_attempt_and_fit_31_bits():
    seeds = {
        request_seed(0, "r", stage, turn, attempt)
        for stage in ("generate", "rewrite")
        for turn in range(3)
        for attempt in range(3)
    }

    assert len(seeds) == 18
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_order_of_a_shuffle_does_not_depend_on_the_order_it_got():
    ids = [content_id("x", n) for n in range(50)]

    assert shuffled(ids, 1) == shuffled(reversed(ids), 1)
    assert shuffled(ids, 1) != shuffled(ids, 2)


def test_fractions_are_uniform():
    drawn = [stable_fraction("t", n) for n in range(2000)]

    assert 0.47 < sum(drawn) / 2000 < 0.53
    assert all(0 <= fraction < 1 for fraction in drawn)


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_every_id_has_one_part_and_parts_are_about_equal(parts):
    ids = [content_id("x", n) for n in range(1600)]

    sizes = [sum(part_of(id_, parts) == part for id_ in ids) for part in range(parts)]

    assert sum(sizes) == 1600
    assert min(sizes) > 0.75 * 1600 / parts


def test_an_id_of_broken_text_is_an_id():
    assert content_id("k", "a\ud800b") != content_id("k", "a\ud801b")
    assert canonical_json({"b": "\ud800", "a": ["é"]}) == b'{"a":["\xc3\xa9"],"b":"\xed\xa0\x80"}'
