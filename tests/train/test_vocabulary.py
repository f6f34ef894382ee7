"""Tokens that a model does not know begin as the mean of those that it knows."""

import copy

import pytest
import torch

from opencharacter.train.vocabulary import begin_tokens
from tests.train.models import VOCABULARY, tiny_model
from tests.train.rows import tokenizer


class Sized:
    """A tokenizer of so many tokens."""

    def __init__(self, n):
        self._n = n

    def __len__(self):
        return self._n


@pytest.mark.parametrize("is_tied", [False, True], ids=["two matrices", "one matrix"])
def test_untrained_rows_that_are_used_become_the_mean_of_trained_ones(is_tied):
    model = tiny_model(is_tied=is_tied)
    before = model.get_input_embeddings().weight.data
    before[[60, 61]] = 1e-9
    kept = torch.cat([before[:60], before[62:]])
    new = begin_tokens(model, Sized(VOCABULARY), used={3, 60})
    after = model.get_input_embeddings().weight

    assert (new.added, new.untrained) == ([], [60])
    assert torch.allclose(after[60], kept.mean(dim=0))
    assert torch.equal(after[61], torch.full_like(after[61], 1e-9))
    assert torch.equal(after[3], kept[3])


def test_a_row_that_is_untrained_in_the_head_alone_is_found():
    model = tiny_model()
    model.lm_head.weight.data[7] = 0.0
    others = torch.cat([model.lm_head.weight[:7], model.lm_head.weight[8:]])

    assert begin_tokens(model, Sized(VOCABULARY), used={7}).untrained == [7]
    assert torch.allclose(model.lm_head.weight[7], others.mean(dim=0))


def test_added_tokens_make_the_embeddings_grow_by_whole_tiles():
    model = tiny_model()
    before = model.get_input_embeddings().weight.detach().clone()
    new = begin_tokens(model, Sized(VOCABULARY + 2), used=set())

    assert new.added == [64, 65]
    assert len(model.get_input_embeddings().weight) == len(model.lm_head.weight) == 128
    assert torch.allclose(model.get_input_embeddings().weight[65], before.mean(dim=0), atol=1e-7)


def test_a_trained_model_is_left_as_it_is():
    model, before = tiny_model(), tiny_model().state_dict()

    assert begin_tokens(model, Sized(VOCABULARY), used=set(range(VOCABULARY))) == ([], [])
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_an_added_token_is_one_token_in_text():
    known = copy.deepcopy(tokenizer())
    known.add_tokens(["<sighs>"])

    assert (
        known("He <sighs> twice", add_special_tokens=False)["input_ids"].count(len(known) - 1) == 1
    )
