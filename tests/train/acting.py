"""What each rank of `test_ranks` does."""

import os
import signal
import sys
import time
from collections.abc import Callable

import torch
from torch import distributed

from opencharacter.errors import StoppedError, StoreError
from opencharacter.train import ranks as module
from opencharacter.train.ranks import Ranks, together


def agree(ranks: Ranks) -> None:
    decided = ranks.decide({"go": "on"} if ranks.is_first else None)
    sys.stdout.write(f"{decided['go']} {ranks.any(ranks.rank == 1)} {ranks.any(False)}\n")


def refuse(ranks: Ranks) -> None:
    """Rank 0 refuses before it has decided; the others wait for it."""
    if ranks.is_first:
        raise StoreError("it was started otherwise")
    ranks.decide()


def break_down(ranks: Ranks) -> None:
    """Rank 1 fails while rank 0 waits for it in a collective."""
    if ranks.rank == 1:
        raise StoreError("the disk is full")
    distributed.all_reduce(torch.zeros(1))


def be_deaf(ranks: Ranks) -> None:
    """Rank 1 fails while rank 0 waits where no exception reaches it."""
    if ranks.rank == 1:
        raise StoreError("the disk is full")
    module._GRACE_S = 1.0  # it is this process's own
    time.sleep(120)


def die(ranks: Ranks) -> None:
    """Rank 1 is killed while rank 0 waits for it."""
    ranks.wait_for_all()
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.all_reduce(torch.zeros(1))


def stop(ranks: Ranks) -> None:
    """All were asked to stop, and have agreed on when."""
    ranks.wait_for_all()
    raise StoppedError("step 5 of 10 is saved")


def stop_one(ranks: Ranks) -> None:
    """Rank 1 alone was asked to stop, before there was anything to agree on."""
    if ranks.rank == 1:
        raise StoppedError("SIGTERM was sent")
    distributed.all_reduce(torch.zeros(1))


def act(what: Callable[[Ranks], None]) -> None:
    """Do it as one of the ranks."""
    with together() as ranks:
        what(ranks)
