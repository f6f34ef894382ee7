"""Every row once an epoch, on any number of ranks.

accelerate gives each rank as many batches as the others: where rows do not come out even, it begins
again with the first ones, which are then trained on, or measured, twice. Here the data set ends
with fillers instead: two tokens of which nothing is learned. A rank whose batch is all fillers does
what the others do, so that nobody waits for it in a collective, and adds nothing to any sum.
"""

from collections.abc import Callable, Iterator

import torch
from torch.utils.data import Sampler


def fillers(n_rows: int, device_rows: int, world_size: int) -> int:
    """Return how many rows are wanting for all ranks to have the same full batches; 0 for one.

    Args:
        n_rows: Of the data set.
        device_rows: That a rank takes at once.
        world_size: Ranks.
    """
    return -n_rows % (device_rows * world_size) if world_size > 1 else 0


class EachOnce(Sampler[int]):  # type: ignore[misc]
    """Rows in another order each epoch, the same on all ranks, and after them the fillers.

    The order hangs on seed and epoch alone, so a training that goes on, on as many ranks or on
    others, goes on in it. The epoch is asked for: accelerate 1.15 tells it to samplers of its own
    kind alone where a training goes on with several ranks. The order is that of its own.
    """

    def __init__(
        self, n_rows: int, n_fillers: int, *, seed: int, epoch: Callable[[], float | None]
    ) -> None:
        """Take how many there are.

        Args:
            n_rows: Of the data set, without its fillers.
            n_fillers: Stand after them.
            seed: Of the order.
            epoch: Returns how many epochs are done, the begun one as a part; None = none.
        """
        self._n_rows, self._n_fillers = n_rows, n_fillers
        self._seed, self._epoch = seed, epoch

    def __iter__(self) -> Iterator[int]:
        """Return the numbers of the rows of this epoch."""
        random = torch.Generator().manual_seed(self._seed + int(self._epoch() or 0))
        yield from torch.randperm(self._n_rows, generator=random).tolist()
        yield from range(self._n_rows, len(self))

    def __len__(self) -> int:
        """Return the count of rows and fillers."""
        return self._n_rows + self._n_fillers
