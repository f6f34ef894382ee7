import random
from statistics import mean

import pytest

from opencharacter.population.joints import joints

COUNTRIES = [f"country {n}" for n in range(30)]


def rows(*pairs):
    fixed = {"age": "30-39", "country": "ireland"}
    return [{"gender": gender, "race": race} | fixed for gender, race in pairs]


def drawn(n, seed=0):
    """Return characters whose attributes have nothing to do with each other."""
    draw = random.Random(seed)
    choices = {"gender": "fm", "age": "12345", "race": "abcde", "country": COUNTRIES}
    return [{name: draw.choice(values) for name, values in choices.items()} for _ in range(n)]


def test_attributes_that_decide_each_other_are_associated_and_independent_ones_are_not():
    tied = joints(rows(*[("f", "x")] * 10, *[("m", "y")] * 10))[0]
    free = joints(rows(*[("f", "x"), ("f", "y"), ("m", "x"), ("m", "y")] * 10))

    assert tied.attributes == ("gender", "race")
    assert tied.association == pytest.approx(1.0)
    assert tied.is_beyond_chance
    assert tied.striking[0][2] == 2.0
    free_one = next(joint for joint in free if joint.attributes == ("gender", "race"))
    assert free_one.association == pytest.approx(0.0, abs=1e-12)
    assert not free_one.is_beyond_chance


def test_what_few_characters_show_by_chance_is_not_above_chance():
    found = [joint for seed in range(20) for joint in joints(drawn(40, seed))]

    for pair in {joint.attributes for joint in found}:
        ours = [joint for joint in found if joint.attributes == pair]
        assert abs(mean(joint.above_chance for joint in ours)) < 0.04
    assert mean(j.association for j in found if j.attributes == ("age", "country")) > 0.5
    assert mean(joint.is_beyond_chance for joint in found) < 0.12  # 0.05 are to be expected
    assert mean(bool(joint.striking) for joint in found) < 0.12


def test_chance_is_what_shuffling_gives():
    # Two of each are dealt out to two of each: in 2 of 6 ways equal ones get equal ones, and the
    # association is 1; in the other 4 it is 0.
    [joint, *_] = joints(rows(("f", "x"), ("f", "x"), ("m", "y"), ("m", "y")))

    assert joint.chance == pytest.approx(1 / 3, abs=0.08)  # 200 deals: 2.4 standard errors
    assert joint.above_chance == pytest.approx(joint.association - joint.chance)


def test_what_hangs_together_comes_first_though_other_associations_are_larger():
    people = drawn(200)
    for person in people:
        person["race"] = "a" if person["gender"] == "f" and person["age"] in "123" else "b"

    found = joints(people)

    assert found[0].attributes == ("gender", "race")
    assert found[0].striking[0][:2] == ("f", "a")
    assert [joint.above_chance for joint in found] == sorted(
        (joint.above_chance for joint in found), reverse=True
    )


def test_the_order_of_characters_does_not_matter():
    people = drawn(50)

    assert joints(people) == joints(people[::-1])


def test_one_character_or_one_value_hangs_together_with_nothing():
    assert {joint.association for joint in joints(drawn(1))} == {0.0}
    assert all(joint.chance == 0.0 for joint in joints(rows(("f", "x"), ("f", "x"))))
