import random
from statistics import mean

import pytest

from opencharacter.population.coverage import coverage, space_of

APPLES = ["red apple tree", "red apple pie"]
BOATS = ["blue sea boat", "blue sea ship"]


def test_one_mould_covers_its_own_neighbourhood_alone():
    space = space_of(APPLES + BOATS, neighbours=1)

    assert coverage(["red apple tree"] * 4, space).covered == 0.5
    assert coverage(APPLES + BOATS, space).covered == 1.0
    assert coverage(["ask nobody now"], space).covered == 0.0


def test_half_is_what_every_second_text_covers():
    space = space_of(APPLES + BOATS, neighbours=1)
    found = coverage(["red apple tree", "blue sea boat"], space)

    assert (found.covered, found.half) == (1.0, 0.5)


def test_chance_is_exact_for_few():
    # Of the 3 other personas and 4 texts the nearest is a persona with 3/7.
    found = coverage(APPLES + BOATS, space_of(APPLES + BOATS, neighbours=1))

    assert found.chance == pytest.approx(1 - 3 / 7)


def test_texts_drawn_as_the_personas_were_cover_what_chance_says():
    draw = random.Random(0)
    words = [f"word{n}" for n in range(60)]

    def drawn(n):
        return [" ".join(draw.choices(words, k=40)) for _ in range(n)]  # hardly any ties

    found = [coverage(drawn(30), space_of(drawn(90))) for _ in range(20)]

    assert mean(one.covered for one in found) == pytest.approx(found[0].chance, abs=0.03)
    assert found[0].chance < 0.85


def test_words_are_counted_as_often_as_the_personas_have_them():
    # red and apple twice each, tree once, of twelve; "a" and "house" are none of them.
    found = coverage(["a red tree house", "red apple"], space_of(APPLES + BOATS, neighbours=1))

    assert found.words == 5 / 12


def test_words_by_chance_are_those_that_other_words_of_the_personas_hold():
    # x x y: one text word of the other two is x with 1/2 for each x, and never y.
    space = space_of(["x", "x y"], neighbours=1)

    assert coverage(["p"], space).words_chance == pytest.approx(2 / 3 * 1 / 2)
    assert coverage(["p q r s t"], space).words_chance == pytest.approx(2 / 3)


def test_without_enough_different_personas_there_is_no_space():
    assert space_of(["a cook"] * 9, neighbours=1) is None
    assert space_of([]) is None
