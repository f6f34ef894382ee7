import random

import numpy as np
import pytest

from opencharacter.sources.near import WordSets

BASE = "a tired old nurse from Lima who keeps bees and reads maps"  # twelve words
WORDS = [f"word{index}" for index in range(3000)]


def near(texts, threshold=0.8, rank=None):
    sets = WordSets()
    for text in texts:
        sets.add(text)
    pairs = sets.near_pairs(np.arange(len(texts)) if rank is None else np.array(rank), threshold)
    return list(pairs.each())


@pytest.mark.parametrize(
    ("other", "threshold", "is_near"),
    [
        (BASE.replace("Lima", "Oslo"), 11 / 13, True),  # 11 words in common, 13 in all
        (BASE.replace("Lima", "Oslo"), 11 / 13 + 0.001, False),
        (BASE.upper() + "!", 1.0, True),
        ("who reads maps and keeps bees: a tired old nurse from Lima", 1.0, True),
        ("a young judge of Pune", 0.5, False),
    ],
    ids=["at the threshold", "below it", "case", "order", "stranger"],
)
def test_texts_are_near_from_exactly_the_threshold_on(other, threshold, is_near):
    assert near([BASE, other], threshold) == [(0, 1)] * is_near


def test_texts_that_differ_in_white_space_alone_are_near_at_any_threshold():
    assert near(["The nowhere man", "the now-here man"], 1.0) == [(0, 1)]


def test_chinese_is_compared_character_by_character():
    assert near(["一位住在北京的中学物理老师", "一位住在北京的小学物理老师"], 0.8) == [(0, 1)]
    assert near(["一位住在北京的中学物理老师", "上海的诗人和画家"], 0.5) == []


def test_nearly_all_pairs_at_the_threshold_are_found_and_no_others():
    rng = random.Random(0)
    texts = []
    for _ in range(400):
        words = rng.sample(WORDS, 18)
        texts += [" ".join(words), " ".join(words[:16] + rng.sample(WORDS, 2))]
    found = near(texts)  # 16 of 20: exactly 0.8, but where a new word is one of the old

    assert set(found) <= {(index, index + 1) for index in range(0, 800, 2)}
    assert len(found) >= 380


def test_pairs_are_named_by_rank():
    assert near([BASE, "a judge", BASE + "!"], rank=[2, 1, 0]) == [(0, 2)]


def test_a_thousand_twins_make_few_pairs_and_none_is_left_out():
    pairs = near([BASE] * 1000)

    assert len(pairs) < 20_000
    assert {later for _, later in pairs} == set(range(1, 1000))


@pytest.mark.parametrize("texts", [[], [BASE]])
def test_what_is_alone_is_near_nothing(texts):
    assert near(texts) == []
