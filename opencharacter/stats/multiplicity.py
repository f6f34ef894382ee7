"""Several tests at once.

Source: Holm 1979 (Scand. J. Stat. 6).
"""

from collections.abc import Sequence

import numpy as np

from opencharacter.stats.arrays import finite


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted so that any false one among them is as rare as their level says.

    Holds whatever depends on what, as criteria of one judge do. None = not tested; it stays None
    and does not count.

    Raises:
        ValueError: A p-value is outside of [0, 1].
    """
    tested = [at for at, p in enumerate(p_values) if p is not None]
    ps = finite([p for p in p_values if p is not None], "p_values")
    if ((ps < 0) | (ps > 1)).any():
        raise ValueError(f"p-values are in [0, 1], not {ps.min()} to {ps.max()}")
    order = np.argsort(ps, kind="stable")
    raised = np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1))
    adjusted: list[float | None] = [None] * len(p_values)
    for rank, at in enumerate(order):
        adjusted[tested[at]] = min(1.0, float(raised[rank]))
    return adjusted
