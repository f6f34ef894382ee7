import numpy as np
import pytest

from opencharacter.stats.paired import sign_flip
from opencharacter.stats.power import characters_needed, detectable


@pytest.mark.parametrize(("sd", "expected"), [(0.25, 0.050), (0.15, 0.030)])
def test_two_hundred_characters_detect_what_the_rule_of_thumb_says(sd, expected):
    assert detectable(sd, 200) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize("characters", [12, 60])
def test_what_is_detectable_is_detected_four_times_in_five(characters):
    effect = detectable(0.3, characters)
    rng = np.random.default_rng(0)
    runs = rng.normal(effect, 0.3, size=(800, characters))

    found = np.mean([sign_flip(run, draws=499) <= 0.05 for run in runs])

    assert 0.77 <= found <= 0.83


def test_as_many_characters_as_needed_are_just_enough():
    needed = characters_needed(0.3, 0.1)

    assert detectable(0.3, needed) <= 0.1 < detectable(0.3, needed - 1)
    assert characters_needed(0.0, 0.1) == 2


@pytest.mark.parametrize(("sd", "characters"), [(0.3, 1), (-1, 10), (float("nan"), 10)])
def test_no_power_without_characters_and_a_spread(sd, characters):
    with pytest.raises(ValueError, match="no power with"):
        detectable(sd, characters)


def test_no_run_finds_a_difference_of_nothing():
    with pytest.raises(ValueError, match="difference = 0"):
        characters_needed(0.3, 0)
