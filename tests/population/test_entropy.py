import math

import pytest

from opencharacter.population.entropy import entropy


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param([7], 0.0, id="one value"),
        pytest.param([5, 5], math.log(2), id="two equal ones"),
        # 1/4 log 4 + 3/4 log 4/3
        pytest.param([1, 3], 0.25 * math.log(4) + 0.75 * math.log(4 / 3), id="one of four"),
    ],
)
def test_entropy_is_in_nats(counts, expected):
    assert entropy(counts) == pytest.approx(expected, abs=1e-12)
