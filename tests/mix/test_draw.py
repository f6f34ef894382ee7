"""Every response enters or is left out for a reason, and smaller mixtures are in larger ones."""

import random
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pytest

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError, StoreError
from opencharacter.mix.draw import Candidate, draw_rows
from opencharacter.records import Method, Split


def rows(source, n, *, method=Method.generate, draws=1, split=Split.train):
    return [
        Candidate(f"{source}-{method}-{i}-{draw}", source, method, draw, split)
        for i in range(n)
        for draw in range(draws)
    ]


ALL = rows("a", 50) + rows("b", 30) + rows("c", 20)


class Mixed(NamedTuple):
    kept: frozenset
    left_out: dict
    reasons: dict
    sources: dict  # rows kept by source, 0 too


def drawn(candidates, *, seed=0, **settings):
    result = draw_rows(candidates, config=MixConfig(**settings), seed=seed)
    source_of = {candidate.response_id: candidate.source for candidate in candidates}
    assert result.kept | set(result.left_out) == set(source_of)
    assert len(result.kept) + len(result.left_out) == len(source_of)
    kept = Counter(source_of[response_id] for response_id in result.kept)
    sources = {source: kept[source] for source in source_of.values()}
    return Mixed(result.kept, result.left_out, result.reasons, sources)


def test_everything_enters_by_default():
    assert drawn(ALL).sources == {"a": 50, "b": 30, "c": 20}


def test_heldout_characters_never_enter():
    result = drawn(rows("a", 3) + rows("b", 2, split=Split.heldout))

    assert result.kept == {"a-generate-0-0", "a-generate-1-0", "a-generate-2-0"}
    assert result.reasons == {"heldout": 2}
    assert result.sources == {"a": 3, "b": 0}


def test_methods_choose_and_none_means_all():
    both = rows("a", 4) + rows("a", 4, method=Method.rewrite)

    assert drawn(both).sources == {"a": 8}
    assert drawn(both, methods=[Method.rewrite]).reasons == {"method": 4}


def test_fewer_characters_are_a_subset_of_more():
    three = rows("a", 10, draws=3)
    kept = [drawn(three, n_characters=k).kept for k in (1, 2, 3, None)]

    assert [len(ids) for ids in kept] == [10, 20, 30, 30]
    assert kept[0] < kept[1] < kept[2] == kept[3]
    assert drawn(three, n_characters=1).reasons == {"draw": 20}


def test_caps_bound_a_source():
    result = drawn(ALL, caps={"a": 12, "c": 0})

    assert result.sources == {"a": 12, "b": 30, "c": 0}
    assert result.reasons == {"cap": 58}


def test_shares_take_the_largest_total_that_fits():
    # c: 20 rows are 0.5 of 40; the other 20 are shared by a and b as 50 : 30 = 12.5 : 7.5.
    result = drawn(ALL, shares={"c": 0.5})

    assert result.sources["c"] == 20
    assert result.sources["a"] + result.sources["b"] == 20
    assert result.sources["a"] in (12, 13)
    assert result.reasons == {"share": 60}


def test_the_rest_can_be_what_limits():
    # a and b have 80 rows for 0.9: 88 in all (8.8 for c).
    result = drawn(ALL, shares={"c": 0.1})

    assert sum(result.sources.values()) == 88
    assert result.sources["c"] == 9


def test_shares_are_read_as_written():
    # 0.7 of 100 rows is 70, although 0.7 is stored as a little less.
    result = drawn(rows("a", 70) + rows("b", 30), shares={"a": 0.7, "b": 0.3})

    assert result.sources == {"a": 70, "b": 30}


def test_three_thirds_leave_nothing_over():
    assert drawn(ALL, shares={"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}).sources == {
        "a": 20,
        "b": 20,
        "c": 20,
    }


def test_sources_outside_shares_of_one_are_left_out():
    result = drawn(ALL, shares={"a": 0.5, "b": 0.5})

    assert result.sources == {"a": 30, "b": 30, "c": 0}


def test_a_share_of_nothing_keeps_a_source_out():
    assert drawn(ALL, shares={"a": 0.0}).sources == {"a": 0, "b": 30, "c": 20}


def test_n_is_met_exactly_by_size():
    result = drawn(ALL, n=10)

    assert result.sources == {"a": 5, "b": 3, "c": 2}
    assert result.reasons == {"n": 90}


def test_n_and_shares_and_caps_together():
    # After the cap: a 10, b 30, c 20; c gets 0.25 of 20, the others 15 as 10 : 30.
    result = drawn(ALL, n=20, shares={"c": 0.25}, caps={"a": 10})

    assert result.sources["c"] == 5
    assert (result.sources["a"], result.sources["b"]) in ((4, 11), (3, 12))
    # Largest total: 40 for 0.75 is 53, so 13 of c; the cap took 40, n the difference.
    assert result.reasons == {"cap": 40, "share": 7, "n": 33}


@pytest.mark.parametrize(
    "shares", [{}, {"c": 0.2}, {"a": 0.4, "b": 0.35}, {"a": 0.1, "b": 0.3, "c": 0.6}]
)
def test_smaller_mixtures_are_subsets_of_larger_ones(shares):
    largest = len(drawn(ALL, shares=shares).kept)
    kept = [drawn(ALL, shares=shares, n=n).kept for n in range(1, largest + 1)]

    assert [len(ids) for ids in kept] == list(range(1, largest + 1))
    assert all(kept[i] < kept[i + 1] for i in range(largest - 1))
    assert kept[-1] == drawn(ALL, shares=shares).kept


def test_the_order_of_candidates_does_not_matter():
    mixed = random.Random(0).sample(ALL, len(ALL))

    assert drawn(mixed, n=33, shares={"b": 0.2}) == drawn(ALL, n=33, shares={"b": 0.2})


def test_another_seed_is_another_choice():
    assert drawn(ALL, n=50, seed=1).kept != drawn(ALL, n=50, seed=2).kept


def test_a_response_that_stands_twice_is_refused():
    with pytest.raises(StoreError, match=r"a-generate-0-0 stands twice .* stage=generate force"):
        drawn(rows("a", 3) * 2)


def test_refused_responses_are_neither_kept_nor_left_out_and_sizes_hold_without_them():
    refused = {f"a-generate-{i}-0" for i in range(10)}
    result = draw_rows(ALL, config=MixConfig(shares={"a": 0.5}), seed=0, refused=refused)

    assert len(result.kept) == 80  # 40 of a are half of 80
    assert not refused & (result.kept | set(result.left_out))
    with pytest.raises(ConfigError, match="asks for 91 rows but 90 are available"):
        draw_rows(ALL, config=MixConfig(n=91), seed=0, refused=refused)


def test_a_refused_response_that_stands_twice_is_refused_as_a_file():
    with pytest.raises(StoreError, match="a-generate-0-0 stands twice"):
        draw_rows(rows("a", 3) * 2, config=MixConfig(), seed=0, refused={"a-generate-0-0"})


def test_more_characters_than_were_drawn_are_refused():
    both = rows("a", 2, draws=3) + rows("b", 2, draws=5, method=Method.rewrite)

    assert len(drawn(both, n_characters=5).kept) == 2 * 3 + 2 * 5
    with pytest.raises(ConfigError, match=r"asks for 5 characters .* responses have 3; lower it"):
        drawn(both, n_characters=5, methods=[Method.generate])


def test_any_number_of_characters_may_be_asked_of_no_responses():
    assert drawn(rows("a", 3), n_characters=9, methods=[Method.rewrite]).kept == frozenset()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 101}, r"asks for 101 rows but 100 are available \(by source: a 50, b 30, c 20\)"),
        ({"n": 41, "shares": {"c": 0.5}}, r"but 40 are available \(c has 20 rows for its share"),
        ({"n": 90, "shares": {"c": 0.1}}, r"88 are available \(a, b has 80 rows for the remaining"),
        ({"shares": {"x": 0.5}}, r"mix\.shares names x, but the responses come from a, b, c"),
        ({"caps": {"x": 5, "y": 1}}, r"mix\.caps names x, y, but"),
        ({"caps": {"a": -1}}, r"mix\.caps of a is below 0"),
        ({"shares": {"a": 0.5}, "caps": {"a": 0}}, r"leave no rows at all \(a has 0 rows"),
    ],
)
def test_what_cannot_be_met_is_explained(settings, message):
    with pytest.raises(ConfigError, match=message):
        draw_rows(ALL, config=MixConfig(**settings), seed=0)


def test_shares_of_the_only_source_must_be_all():
    with pytest.raises(ConfigError, match="no other source has 0 rows for the remaining share"):
        draw_rows(rows("a", 5), config=MixConfig(shares={"a": 0.3}), seed=0)


def test_no_candidates_make_an_empty_mixture():
    assert drawn([]).sources == {}
    with pytest.raises(ConfigError, match=r"0 are available \(by source: none\)"):
        draw_rows([], config=MixConfig(n=1), seed=0)


def of_characters(n_characters, each):
    return [
        Candidate(f"r{c}-{i}", "ab"[i % 2], Method.generate, 0, Split.train, f"c{c}")
        for c in range(n_characters)
        for i in range(each)
    ]


def test_no_character_has_more_rows_than_allowed_over_all_sources():
    candidates = of_characters(6, 10)
    capped = drawn(candidates, per_character=4)

    owner = {c.response_id: c.character_id for c in candidates}
    assert set(Counter(owner[id_] for id_ in capped.kept).values()) == {4}
    assert capped.reasons == {"per_character": 36}


def test_a_smaller_cap_by_character_keeps_a_subset():
    candidates = of_characters(6, 10)
    kept = [drawn(candidates, per_character=n).kept for n in (1, 3, 7, 10)]

    assert all(small < large for small, large in pairwise(kept))
    assert len(kept[-1]) == 60
