"""What a run can show, before it is made.

Source: Student's t in place of the normal quantiles of Bloom 1995 (Eval. Rev. 19), Miller 2024
(arXiv 2411.00640); 2.8 sd / sqrt(k) for many characters.
"""

import math

from opencharacter.stats.student import t_quantile


def detectable(sd: float, characters: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true difference that a two-sided test finds with chance `power`.

    Args:
        sd: Standard deviation over characters of their mean difference, in points of the score:
            from an earlier run, or `variance.spread`.
        characters: How many the run will have, at least 2.
        alpha: Level of the test; divide it by the number of tests that Holm will adjust.
        power: How often the difference shall be found.

    Raises:
        ValueError: Fewer than two characters, a negative sd, or chances outside of (0, 1).
    """
    if characters < 2 or not 0 <= sd < math.inf:
        raise ValueError(
            f"no power with sd = {sd} and {characters} characters: at least 2 are needed"
        )
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"alpha = {alpha} and power = {power}: chances between 0 and 1")
    df = characters - 1
    quantiles = t_quantile(1 - alpha / 2, df) + t_quantile(power, df)
    return quantiles * sd / math.sqrt(characters)


def characters_needed(
    sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return the fewest characters with which `difference` is detectable.

    Raises:
        ValueError: The difference is not positive, or as in `detectable`.
    """
    if not difference > 0:
        raise ValueError(f"difference = {difference}: give the smallest one that matters, above 0")
    low, high = 1, 2  # of which low is too few
    while detectable(sd, high, alpha=alpha, power=power) > difference:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = detectable(sd, middle, alpha=alpha, power=power) <= difference
        low, high = (low, middle) if enough else (middle, high)
    return high
