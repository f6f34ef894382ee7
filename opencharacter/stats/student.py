"""The distributions of Gauss and Student, without SciPy.

Source: incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated
by Lentz's method (Thompson and Barnett 1986, J. Comput. Phys. 64).
"""

import math
from functools import lru_cache
from statistics import NormalDist

NORMAL = NormalDist()
_TINY = 1e-300
_STEPS = 10_000


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """Return what a variable of Student's t with `df` degrees of freedom is below with chance p.

    Raises:
        ValueError: p is not inside (0, 1), or df is not positive.
    """
    if not 0 < p < 1 or not df > 0:
        raise ValueError(f"no quantile at p = {p} with {df} degrees of freedom")
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while t_tail(high, df) > 1 - p:
        low, high = high, 2 * high
    while high - low > 1e-13 * high and low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if t_tail(middle, df) > 1 - p else (low, middle)
    return (low + high) / 2


def t_tail(t: float, df: float) -> float:
    """Return the chance that a variable of Student's t is above `t`; t may be infinite."""
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    tail = _incomplete_beta(df / (df + t * t), t * t / (df + t * t), df / 2, 0.5) / 2
    return tail if t >= 0 else 1 - tail


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """Return I_x(a, b), a or b being 1/2; `rest` is 1 - x, given exactly."""
    if x == 0 or rest == 0:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - _incomplete_beta(rest, x, b, a)
    front = _log_gammas(max(a, b)) + a * math.log(x) + b * math.log(rest)
    return math.exp(front) / (a * _fraction(x, a, b))


def _log_gammas(a: float) -> float:
    """Return log(gamma(a + 1/2) / (gamma(a) gamma(1/2))), without cancellation for large a."""
    if a < 100:
        return math.lgamma(a + 0.5) - math.lgamma(a) - math.lgamma(0.5)
    series = 0.5 * math.log(a) - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5)
    return series - math.lgamma(0.5)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction 1 + d1/(1 + d2/(1 + ...)) of the incomplete beta function."""
    value = upper = 1.0
    lower = 0.0
    for step in range(1, _STEPS):
        m, odd = divmod(step, 2)
        if odd:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / (1 + d * lower or _TINY)
        upper = 1 + d / upper or _TINY
        value *= upper * lower
        if abs(upper * lower - 1) < 1e-16:
            return value
    return value
