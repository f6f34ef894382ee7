"""ZeRO-3 opens a model in pieces: each of two ranks has its half from the beginning.

A model whose configuration says that its embeddings are one matrix comes whole; T5 v1.1 says so,
and has two.
"""

import json
from functools import partial

import pytest

from opencharacter.compose import compose_config
from opencharacter.train.models import open_model
from tests.train import acting
from tests.train.encoders import t5, tiny_t5
from tests.train.models import tiny_model
from tests.train.rows import tokenizer
from tests.train.starting import start_ranks

ADDED = "train.added_tokens=['<sighs>','<laughs>']"


def save(folder, model, known):
    model.save_pretrained(folder)
    known.save_pretrained(folder)
    return [f"train.model={folder}", "train.precision=float32", "train.max_length=64"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return the words that open each of some models."""
    here, n = tmp_path_factory.mktemp("models"), len(tokenizer())
    pairs = ["train.objective=seq2seq", "train.packing=false"]
    llama = save(here / "llama", tiny_model(vocabulary=n), tokenizer())
    tied = save(here / "tied", tiny_model(vocabulary=n, is_tied=True), tokenizer())
    shared = save(here / "t5", tiny_t5(len(t5())), t5())
    apart = save(here / "t5_v1_1", tiny_t5(len(t5()), is_tied=False), t5())
    grown = [[*llama, ADDED], [*tied, ADDED], [*shared, *pairs, ADDED], [*apart, *pairs, ADDED]]
    return [llama, [*shared, *pairs], [*apart, *pairs], *grown]


def test_each_rank_opens_half_of_the_weights_and_together_they_are_the_model(models, tmp_path):
    asked = [[*words, "deepspeed=zero3"] for words in models]
    act = partial(acting.open_in_pieces, words=asked)
    ended = start_ranks(2, tmp_path, acting.act, act).end()
    assert [each.status for each in ended] == [0, 0], ended[0].err

    told = [[json.loads(line) for line in each.out.splitlines()] for each in ended]
    for mine, other, words in zip(*told, models, strict=True):
        pieces, norms, added = mine
        opened = open_model(compose_config(["stage=train", *words]).train, {5, 6}, "")
        expected = {n: w.double().norm().item() for n, w in opened.model.named_parameters()}
        assert norms == other[1] == pytest.approx(expected, rel=1e-5)
        assert added == opened.new.added
        grown = {"model.embed_tokens.weight", "lm_head.weight"} if added else set()
        is_one = opened.model.config.tie_word_embeddings or "shared.weight" in norms
        assert pieces.keys() == (set() if is_one else expected.keys() - grown)
        for held, share, whole in pieces.values():
            assert (held, share) == (0, -(-whole // 2))
