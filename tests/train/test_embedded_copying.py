"""The first phase of the embedded model: repeated random tokens, and a network built to copy."""

import math

import pytest

torch = pytest.importorskip("torch")

from opencharacter.train.embedded.copying import Stretch, loss_of, scattered_rows  # noqa: E402
from opencharacter.train.embedded.network import VOCABULARY, new_network  # noqa: E402

ROWS = Stretch(steps=1, rows=12, tokens=256, shortest=6, longest=60)


def rows(seed=0):
    return scattered_rows(ROWS, VOCABULARY, torch.Generator().manual_seed(seed))


def test_the_same_generator_makes_the_same_rows():
    assert torch.equal(rows().ids, rows().ids)
    assert not torch.equal(rows(0).ids, rows(1).ids)


def test_what_is_learned_stood_in_the_row_before():
    batch = rows()

    assert batch.is_learned.any(dim=1).all()
    for ids, learned in zip(batch.ids.tolist(), batch.is_learned.tolist(), strict=True):
        seen = set()
        for *triple, is_learned in zip(ids, ids[1:], ids[2:], learned[2:], strict=False):
            assert tuple(triple) in seen or not is_learned
            seen.add(tuple(triple))


def test_some_patterns_repeat_spans_inside_themselves():
    ids, learned = rows()
    starts = [int(kept.nonzero()[0]) - 2 for kept in learned]
    first = [row[:start].tolist() for row, start in zip(ids, starts, strict=True)]

    assert any(len(set(part)) < len(part) for part in first)
    assert any(len(set(part)) == len(part) for part in first)


def test_the_first_weights_already_copy():
    with torch.no_grad():
        loss = loss_of(new_network(seed=0), rows())

    assert loss < 0.25 * math.log(VOCABULARY)  # chance is 1
