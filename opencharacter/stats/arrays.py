"""What the statistics are given: finite scores, and the character each of them is of."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Labels = Sequence[str] | Sequence[int] | Ints

_BLOCK = 2_000_000  # weights held at a time: 16 MB


def finite(values: ArrayLike, what: str = "values") -> Floats:
    """Return values as an array (n,) of finite numbers.

    Raises:
        ValueError: A value is None, NaN or infinite, or the array has another shape.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what} have shape {array.shape}, expected one number for each row")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{what}[{bad[0]}] is {array[bad[0]]} ({len(bad):,} of {len(array):,} are no numbers): "
            "leave out what is missing, and count it (stats.missing)"
        )
    return array


def present(values: Sequence[float | None], what: str = "values") -> tuple[Floats, Bools]:
    """Return the values that are there (m,), and where they are (n,), m <= n."""
    there = np.array([value is not None for value in values], dtype=np.bool_)
    return finite([value for value in values if value is not None], what), there


def groups_of(labels: Labels | None, n: int) -> Ints:
    """Return for each of n rows the number of its group (n,), from 0, none empty.

    Args:
        labels: (n,) ids, e.g. of characters; None = each row is a group of its own.
        n: How many rows there are.

    Raises:
        ValueError: There are more or fewer labels than rows.
    """
    if labels is None:
        return np.arange(n)
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"{len(labels):,} labels of clusters for {n:,} rows: one each is needed")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def totals(groups: Ints, *columns: Floats) -> Floats:
    """Return the sums of columns (n,) over each group: (k, number of columns)."""
    return np.stack([np.bincount(groups, weights=column) for column in columns], axis=1)


def bootstrap_weights(k: int, draws: int, seed: int) -> Iterator[Floats]:
    """Yield how often each of k clusters is drawn, in blocks (d, k) of `draws` rows in all.

    A row is k clusters drawn with replacement (Efron 1979); blocks bound the memory.
    """
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK // k)
    for start in range(0, draws, size):
        d = min(size, draws - start)
        picks = rng.integers(k, size=(d, k))
        picks += k * np.arange(d)[:, None]
        yield np.bincount(picks.ravel(), minlength=d * k).reshape(d, k).astype(np.float64)


def bootstrap_sums(columns: Floats, draws: int, seed: int) -> Floats:
    """Return the sums of columns (k, m) over resampled clusters: (draws, m)."""
    blocks = bootstrap_weights(len(columns), draws, seed)
    return np.concatenate([weights @ columns for weights in blocks])
