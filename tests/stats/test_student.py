import numpy as np
import pytest
from scipy import stats

from opencharacter.stats.student import t_quantile, t_tail


@pytest.mark.parametrize("df", [1, 2, 3.5, 29, 199, 201, 1e6])
def test_student_is_that_of_scipy(df):
    ts, ps = np.array([-3, 0, 0.1, 1, 8, 40]), np.array([1e-4, 0.3, 0.5, 0.6, 0.975, 0.9999])

    assert [t_tail(t, df) for t in ts] == pytest.approx(stats.t.sf(ts, df), rel=1e-9)
    assert [t_quantile(p, df) for p in ps] == pytest.approx(
        stats.t.ppf(ps, df), rel=1e-9, abs=1e-12
    )


def test_infinity_has_a_tail():
    assert (t_tail(float("inf"), 3), t_tail(float("-inf"), 3)) == (0, 1)


@pytest.mark.parametrize(("p", "df"), [(0, 3), (1, 3), (0.5, 0), (float("nan"), 3)])
def test_no_quantile_without_a_chance_and_degrees_of_freedom(p, df):
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, df)
