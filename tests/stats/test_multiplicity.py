import math

import numpy as np
import pytest

from opencharacter.stats.multiplicity import holm


def test_holm_multiplies_the_smallest_by_all_and_never_goes_down():
    # 0.01 * 4, 0.02 * 3, 0.025 * 2 < 0.06, 0.9 * 1
    assert holm([0.02, 0.9, 0.01, 0.025]) == pytest.approx([0.06, 0.9, 0.04, 0.06])


def test_what_was_not_tested_does_not_count():
    assert holm([None, 0.04, None]) == [None, 0.04, None]
    assert holm([]) == []


def test_adjusted_p_values_end_at_one():
    assert holm([0.6, 0.7]) == [1, 1]


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_a_p_value_is_a_chance(bad):
    with pytest.raises(ValueError, match="p"):
        holm([0.5, bad])


def test_five_true_nulls_are_all_kept_in_nineteen_of_twenty_families():
    families = np.random.default_rng(0).random((2000, 5))

    wrong = np.mean([min(holm(list(family))) <= 0.05 for family in families])

    assert 0.03 <= wrong <= 0.07
