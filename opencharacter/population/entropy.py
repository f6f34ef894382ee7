"""Entropy, as all figures of a population have it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def entropy(counts: Sequence[int] | NDArray[np.int64]) -> float:
    """Return the entropy of a distribution, in nats.

    Args:
        counts: (k,) each above 0.
    """
    shares = np.asarray(counts) / np.sum(counts)  # (k,)
    return float(shares @ np.log(1 / shares))
