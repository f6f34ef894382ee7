import math
import random

import pytest

from opencharacter.population.archetypes import archetypes

NOBODY = ""


def of(*texts, names=None, **settings):
    return archetypes(texts, names or [NOBODY] * len(texts), **settings)


def test_texts_that_share_half_of_their_words_are_of_one_archetype():
    # 2 of 4 words are shared by the first two, 1 of 5 by the third with either.
    found = of("patient, curious, brave", "patient, curious, loud", "brave, dry, shy")

    assert (found.groups, found.largest, found.repeated) == (2, 2 / 3, 2 / 3)


def test_the_effective_number_is_the_number_of_groups_of_one_size_and_less_where_uneven():
    kinds = ["patient curious", "loud brave", "shy dry", "tidy kind"]
    even = of(*kinds * 3)
    uneven = of(*[kinds[0]] * 6, *[kinds[1]] * 2)

    assert (even.groups, even.effective) == (4, pytest.approx(4))
    assert uneven.effective == pytest.approx(math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4)))


def test_small_words_and_own_names_make_nobody_alike():
    found = of("Ann is patient and curious", "Bo is loud and brave", names=["Ann Lee", "Bo Li"])
    same = of("Ann is patient", "Bo is patient", names=["Ann Lee", "Bo Li"])

    assert (found.groups, same.groups) == (2, 1)


def test_chance_deals_the_same_words_so_only_what_comes_together_is_beyond_it():
    draw = random.Random(0)
    traits = [f"trait{n}" for n in range(40)]
    moulds = [draw.sample(traits, 6) for _ in range(4)]
    four_moulds = of(*(" ".join(draw.choice(moulds)) for _ in range(300)))
    no_mould = of(*(" ".join(draw.sample(traits, 6)) for _ in range(300)))

    assert four_moulds.largest > 0.2 > 3 * four_moulds.largest_chance
    assert four_moulds.effective < 5 < four_moulds.effective_chance / 10
    assert no_mould.effective == pytest.approx(no_mould.effective_chance, rel=0.15)


def test_the_order_of_the_characters_changes_nothing():
    draw = random.Random(1)
    texts = [
        " ".join(draw.choices("patient curious loud brave shy dry".split(), k=3)) for _ in "x" * 50
    ]
    found = of(*texts)
    draw.shuffle(texts)

    assert of(*texts) == found


def test_the_largest_groups_are_told_by_what_most_of_them_say():
    found = of("patient curious brave", "patient curious loud", "patient curious dry", "shy", top=2)

    assert found.commonest == (("curious, patient", 3),)


def test_of_one_text_or_of_small_words_alone_there_is_nothing_to_group():
    assert of("patient") is None
    assert of("she is", "he is", "patient") is None
    assert of() is None
