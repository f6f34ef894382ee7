import random

import numpy as np
import pytest

from opencharacter.population.texts import (
    alike,
    compression_ratio,
    distinct,
    mattr,
    openings,
    variety,
    vector,
)

WORDS = [f"w{n}" for n in range(400)]


def made(n_texts, n_words, vocabulary, seed=0):
    drawn = random.Random(seed)
    return [" ".join(drawn.choices(WORDS[:vocabulary], k=n_words)) for _ in range(n_texts)]


def test_distinct_n_counts_different_n_grams():
    assert distinct("a b a b".split(), 1) == 0.5
    assert distinct("a b a b".split(), 2) == pytest.approx(2 / 3)
    assert distinct([], 2) == 0.0


def test_distinct_n_does_not_fall_with_length():
    short, long = (" ".join(made(n, 100, 400)).split() for n in (20, 200))

    assert distinct(long, 1, 1000) == pytest.approx(distinct(short, 1, 1000), rel=0.02)
    assert distinct(long, 1) < 0.5 * distinct(short, 1)


def test_the_type_token_ratio_does_not_fall_with_length():
    short, long = (mattr([text.split() for text in made(20, n, 400)]) for n in (60, 600))

    assert long == pytest.approx(short, rel=0.02)
    assert mattr([["a"] * 100]) == 1 / 50
    assert mattr([["a"] * 10]) is None


def test_texts_out_of_one_mould_are_told_from_varied_ones():
    varied = variety(made(50, 60, 400))
    alike = variety([f"I am a baker from {name} and I like bread. " * 3 for name in WORDS[:50]])

    assert alike.distinct_2 < varied.distinct_2
    assert alike.compression > 2 * varied.compression
    assert alike.nearest > 0.8 > varied.nearest
    assert alike.uniformity > varied.uniformity


def test_few_texts_or_none_are_measured_too():
    assert variety([]).texts == 0
    assert variety(["one text"])[-3:] == (None, None, None)
    assert compression_ratio([]) == 0.0


def test_a_vector_has_length_1_and_an_empty_text_none():
    assert np.linalg.norm(vector(["a", "b"])) == pytest.approx(1.0)
    assert np.linalg.norm(vector([])) == 0.0
    assert vector(["a", "b"]) @ vector(["a", "b"]) == pytest.approx(1.0)


def test_how_alike_texts_are_does_not_hang_on_how_many_they_are():
    few, many = (variety(made(n, 60, 400)) for n in (20, 400))

    assert many.alike == pytest.approx(few.alike, abs=0.02)
    assert many.nearest > few.nearest + 0.03
    assert alike(["a b", "a b", "c d"]) == pytest.approx(1 / 3, abs=0.02)
    assert alike(["a b"]) is None


def test_openings_are_counted():
    assert openings(["He is a man.", "He is a boy.", "She is it."], 1) == [("he is a", 2)]


def test_of_many_texts_those_compared_are_spread_over_all():
    same, others = ["an owl sat in the old oak"] * 2000, [f"word{n} thing{n}" for n in range(4000)]

    assert variety([*same, *others]).nearest < 0.9  # the first 2,000 alone would say 1
