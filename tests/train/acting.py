"""What each rank of `test_ranks` does."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed

from opencharacter.compose import compose_config
from opencharacter.errors import StoppedError, StoreError
from opencharacter.train import ranks as module
from opencharacter.train.batches import derive_batches
from opencharacter.train.fit import build_arguments
from opencharacter.train.models import open_model
from opencharacter.train.ranks import Ranks, together
from opencharacter.train.zero import gathered


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


def open_in_pieces(ranks: Ranks, words: list[list[str]]) -> None:
    """Open models as a training with ZeRO-3 does; tell how much of them is here, and what it is."""
    for asked in words:
        config = compose_config(["stage=train", *asked]).train
        batches = derive_batches(config, ranks.world_size)
        arguments = build_arguments(
            config, batches, Path("unused"), steps_per_epoch=1, metric=None, seed=0
        )
        opened = open_model(config, {5, 6}, "")
        weights = dict(opened.model.named_parameters())
        here = {
            name: [weight.numel(), weight.ds_tensor.numel(), weight.ds_numel]
            for name, weight in weights.items()
            if "ds_id" in vars(weight)
        }
        with gathered(list(weights.values())):
            told = {name: weight.double().norm().item() for name, weight in weights.items()}
        sys.stdout.write(json.dumps([here, told, opened.new.added]) + "\n")
        del arguments  # DeepSpeed is asked for as long as it is there


def act(what: Callable[[Ranks], None]) -> None:
    """Do it as one of the ranks."""
    with together() as ranks:
        what(ranks)
