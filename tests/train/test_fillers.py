"""An epoch has every row once, in an order that does not hang on the number of ranks."""

import numpy as np
import pytest
import torch
from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import BatchSampler

from opencharacter.train.batches import Batches
from opencharacter.train.fillers import EachOnce, fillers
from tests.train.models import number_row, opened_rows


@pytest.mark.parametrize(
    ("n_rows", "device_rows", "ranks", "wanting"),
    [(7, 2, 1, 0), (7, 1, 2, 1), (8, 1, 2, 0), (5, 2, 2, 3), (1, 1, 8, 7), (17, 2, 3, 1)],
)
def test_fillers_make_full_batches_for_all_ranks(n_rows, device_rows, ranks, wanting):
    assert fillers(n_rows, device_rows, ranks) == wanting


@pytest.mark.parametrize(
    ("device_rows", "accumulation", "ranks"), [(1, 2, 2), (2, 1, 2), (1, 1, 4)]
)
def test_ranks_together_take_a_step_s_rows_as_one_process_does(device_rows, accumulation, ranks):
    """accelerate gives batch n to rank n % ranks; each row is trained on once."""
    batches = Batches(device_rows, accumulation, ranks)
    alone = list(EachOnce(18, 0, seed=3, epoch=lambda: 1.5))
    wanting = fillers(18, device_rows, ranks)
    shared = EachOnce(18, wanting, seed=3, epoch=lambda: 1.5)
    taken = list(BatchSampler(shared, device_rows, drop_last=False))
    per_step = accumulation * ranks
    steps = [
        [row for batch in taken[at : at + per_step] for row in batch]
        for at in range(0, len(taken), per_step)
    ]

    assert len(steps) == batches.steps(18) == 5
    assert sorted(alone) == list(range(18))
    for at, step in enumerate(steps):
        assert [row for row in step if row < 18] == alone[4 * at : 4 * at + 4]


def test_the_order_is_that_of_accelerate_s_own_sampler():
    """A training that was begun before there were fillers goes on in it."""
    theirs = SeedableRandomSampler(list(range(18)), data_seed=3)
    theirs.set_epoch(1)

    assert list(theirs) == list(EachOnce(18, 0, seed=3, epoch=lambda: 1.2))


def test_each_epoch_has_an_order_of_its_own():
    done = 0.0
    order = EachOnce(50, 0, seed=0, epoch=lambda: done)
    first, again = list(order), list(order)
    done = 1.0
    second = list(order)
    done = 1.02  # a training that goes on
    rest = list(order)

    assert first == again != second == rest


def test_nothing_of_a_filler_is_learned(tmp_path):
    rows = opened_rows(tmp_path, [number_row("a", [5, 6, 7], {1, 2})])
    last = rows.dataset([[0]], is_packed=True, fillers=2)[2]

    assert np.array(last["labels"]).tolist() == [-100, -100]
    assert last["seq_lengths"] == [len(last["input_ids"])] == [2]
    assert torch.tensor(last["input_ids"]).dtype == torch.int64
