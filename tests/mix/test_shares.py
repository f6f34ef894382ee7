"""Rows by method, turns and source: counted by hand, and smaller mixtures inside larger ones."""

from collections import Counter
from itertools import pairwise

import pytest

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError
from opencharacter.mix.draw import Candidate, draw_rows
from opencharacter.records import Method, Split

R, G = Method.rewrite, Method.generate


def rows(source, n, *, turns=1, method=G):
    return [
        Candidate(f"{source}-{method}-{turns}-{i}", source, method, 0, Split.train, f"c{i}", turns)
        for i in range(n)
    ]


# a is mixed, b has dialogues of one turn only, c only longer ones.
ALL = rows("a", 30) + rows("a", 20, turns=3) + rows("b", 40) + rows("c", 30, turns=2)


def counted(candidates, by, **settings):
    kept = draw_rows(candidates, config=MixConfig(**settings), seed=0).kept
    return Counter(by(c) for c in candidates if c.response_id in kept)


def has_more_turns(candidate):
    return candidate.user_turns > 1


def source_and_turns(candidate):
    return candidate.source, candidate.user_turns > 1


@pytest.mark.parametrize(
    ("share", "more", "one"),
    [
        # 50 rows have more than one user turn, 70 have one.
        pytest.param(0.5, 50, 50, id="the longer ones limit: 50 / 0.5 = 100"),
        pytest.param(0.3, 30, 70, id="the shorter ones limit: 70 / 0.7 = 100"),
        pytest.param(1.0, 50, 0, id="longer ones only"),
        pytest.param(0.0, 0, 70, id="shorter ones only"),
        pytest.param(0.2, 17, 70, id="a fifth of 87.5, rounded down"),
    ],
)
def test_the_share_of_multi_turn_rows_is_met_by_the_largest_mixture(share, more, one):
    assert counted(ALL, has_more_turns, multi_turn=share) == {
        kind: n for kind, n in ((True, more), (False, one)) if n
    }


@pytest.mark.parametrize(("n", "more"), [(10, 4), (12, 5), (33, 13), (1, 0), (100, 40)])
def test_the_share_of_a_smaller_mixture_is_rounded(n, more):
    assert counted(ALL, has_more_turns, multi_turn=0.4, n=n)[True] == more


def test_as_many_turns_as_come_are_taken_without_a_share():
    assert counted(ALL, has_more_turns) == {True: 50, False: 70}


def test_sources_and_turns_have_their_shares_at_once():
    # b has only single turns: its 0.25 of 80 rows are 20 of the 40 single ones. a and c give the
    # other 60; c (0.25) has only longer ones, 20, so a's 40 are 20 and 20, all its longer ones.
    settings = {"shares": {"a": 0.5, "b": 0.25, "c": 0.25}, "multi_turn": 0.5}

    assert counted(ALL, source_and_turns, **settings) == {
        ("a", True): 20,
        ("a", False): 20,
        ("b", False): 20,
        ("c", True): 20,
    }


def test_what_the_turns_force_on_sources_without_a_share_is_by_size():
    # No shares by source: 20 of a and 30 of c have more turns, 30 of a and 40 of b one.
    assert counted(ALL, source_and_turns, multi_turn=0.5, n=70) == {
        ("a", True): 14,
        ("c", True): 21,
        ("a", False): 15,
        ("b", False): 20,
    }


def test_methods_have_their_shares_and_sources_theirs_in_each():
    both = [row for m in (R, G) for s, n in (("a", 30), ("b", 10)) for row in rows(s, n, method=m)]
    settings = {"method_shares": {"rewrite": 0.25}, "shares": {"b": 0.5}, "n": 24}

    assert counted(both, lambda c: (c.method, c.source), **settings) == {
        (R, "a"): 3,
        (R, "b"): 3,
        (G, "a"): 9,
        (G, "b"): 9,
    }


def test_the_rarer_method_limits_the_mixture():
    # 12 rewritten rows are 0.3 of 40.
    both = rows("a", 12, method=R) + rows("a", 50, method=G)

    assert counted(both, lambda c: c.method, method_shares={"rewrite": 0.3}) == {R: 12, G: 28}


@pytest.mark.parametrize(
    "settings",
    [
        {"multi_turn": 0.4},
        {"multi_turn": 0.5, "shares": {"a": 0.5, "b": 0.25}},
        {"method_shares": {"rewrite": 0.3}, "multi_turn": 0.25, "shares": {"c": 0.2}},
    ],
)
def test_smaller_mixtures_are_inside_larger_ones(settings):
    candidates = [c for m in (R, G) for c in (*rows("a", 9, method=m), *rows("b", 8, method=m),
                  *rows("a", 6, turns=2, method=m), *rows("c", 7, turns=2, method=m))]  # fmt: skip
    largest = draw_rows(candidates, config=MixConfig(**settings), seed=3).kept
    kept = [
        draw_rows(candidates, config=MixConfig(**settings, n=n), seed=3).kept
        for n in range(1, len(largest) + 1)
    ]

    assert [len(ids) for ids in kept] == list(range(1, len(largest) + 1))
    assert all(small < large for small, large in pairwise(kept))
    assert kept[-1] == largest


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"multi_turn": 0.5, "n": 101},
            r"100 are available \(more than one user turn has 50 rows for its share of 0.5\)",
            id="too few longer ones",
        ),
        pytest.param(
            {"multi_turn": 0.1, "n": 90},
            r"77 are available \(one user turn has 70 rows for its share of 0.9\)",
            id="too few shorter ones",
        ),
        pytest.param(
            {"multi_turn": 0.5, "shares": {"b": 1.0}},
            r"leave no rows at all \(mix.shares and mix.multi_turn hold together for no more\)",
            id="a source of single turns only",
        ),
        pytest.param(
            {"method_shares": {"generate": 0.5}},
            r"leave no rows at all \(the other methods has 0 rows for its share of 0.5\)",
            id="no other method",
        ),
        pytest.param(
            {"method_shares": {"rewrite": 0.5}},
            r"mix.method_shares names rewrite, but the responses come from generate;",
            id="a method that was not used",
        ),
        pytest.param(
            {"multi_turn": 1.5}, r"mix.multi_turn is 1.5; it must be in \[0, 1\]", id="1.5"
        ),
    ],
)
def test_shares_that_cannot_be_met_say_how_many_there_are(settings, message):
    with pytest.raises(ConfigError, match=message):
        draw_rows(ALL, config=MixConfig(**settings), seed=0)
