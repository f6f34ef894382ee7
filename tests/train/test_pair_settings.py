"""What an encoder-decoder model cannot do is refused by name, before anything is started."""

import json

import pytest
import torch
from torch.nn.functional import cross_entropy

from opencharacter.compose import compose_config
from opencharacter.config import ModelConfig, Objective, Template, TokenizeConfig
from opencharacter.errors import ConfigError, ModelError
from opencharacter.llm.opening import check_model
from opencharacter.train.arguments import check_names
from opencharacter.train.lora import add_adapters
from opencharacter.train.opening import check_kind, describe_plain
from opencharacter.train.pairtrainer import answer_loss, pad_pairs
from opencharacter.train.shapes import KNOWN, read_shape
from opencharacter.train.vocabulary import begin_tokens
from tests.train.encoders import t5, tiny_t5
from tests.train.test_vocabulary import Sized

PAIRS = "train.objective=seq2seq"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([PAIRS], "would read the others of its row; set train.packing=false"),
        ([PAIRS, "train.packing=false", "train.attention=flash_attention_2"], "flash kernels"),
        (["train.sft.optim=adafactor", "train.deepspeed=zero2"], "ZeRO cuts weights"),
        (["tokenize.plain.user=User:"], r"must have \{text\} once"),
        (["tokenize.max_answer=1"], "it must be >= 2 tokens"),
    ],
    ids=["packing", "flash", "zero", "line", "answer"],
)
def test_what_does_not_go_together_is_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        compose_config(["stage=train", *words])


def test_an_argument_that_only_trl_knows_is_refused():
    check_names({"optim": "adafactor"}, Objective.seq2seq)
    with pytest.raises(ConfigError, match=r"with train\.objective=seq2seq it would do nothing"):
        check_names({"loss_type": "dft"}, Objective.seq2seq)


@pytest.mark.parametrize(("has_encoder", "objective"), [(True, "causal"), (False, "seq2seq")])
def test_a_model_of_the_other_kind_is_refused_with_the_right_objective(has_encoder, objective):
    train = compose_config(["stage=train", "train=t5_small"]).train
    train.objective = Objective(objective)
    right = {"causal": "seq2seq", "seq2seq": "causal"}[objective]
    with pytest.raises(ModelError, match=f"set train.objective={right}"):
        check_kind({"is_encoder_decoder": has_encoder}, train)


def test_a_template_of_causal_models_is_refused():
    config = TokenizeConfig(template=Template.llama3)
    with pytest.raises(ModelError, match="llama3 is a layout of causal models"):
        describe_plain(t5(), config, model="test", end="</s>")


def test_vllm_is_not_asked_to_serve_an_encoder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"is_encoder_decoder": True}))
    with pytest.raises(ModelError, match="AutoModelForSeq2SeqLM"):
        check_model(ModelConfig(model=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "weights"), [("google-t5/t5-small", 60_506_624), ("google-t5/t5-base", 222_903_552)]
)
def test_the_weights_are_as_many_as_the_published_ones(name, weights):
    assert read_shape(KNOWN[name]).weights == weights


def test_the_shape_counts_the_weights_and_adapters_of_a_real_model():
    model = tiny_t5(100)
    shape = read_shape(model.config.to_dict())
    assert shape.weights == sum(w.numel() for w in model.parameters())

    lora = compose_config(["stage=train", "train.lora.rank=3"]).train.lora
    adapted = add_adapters(model, lora, [])
    trained = sum(w.numel() for w in adapted.parameters() if w.requires_grad)
    assert shape.adapters(3) == trained


def test_padding_is_neither_read_nor_learned():
    model = tiny_t5(30).eval()
    rows = [
        {"input_ids": [3, 4, 5, 6, 1], "labels": [7, 1]},
        {"input_ids": [8, 1], "labels": [9, 10, 11, 1]},
    ]
    moved = model.prepare_decoder_input_ids_from_labels
    together = pad_pairs(rows, pad=0, moved=moved)
    loss = answer_loss(model(**together), together["labels"], num_items_in_batch=6)
    alone = 0.0
    for row in rows:
        one = {name: torch.tensor([ids]) for name, ids in row.items()}
        logits = model(**one).logits[0]
        alone += cross_entropy(logits, one["labels"][0], reduction="sum").item()

    assert loss.item() == pytest.approx(alone / 6, rel=1e-5)


def test_an_added_token_takes_a_spare_row_of_the_embeddings():
    model = tiny_t5(32)
    before = model.shared.weight.detach().clone()
    new = begin_tokens(model, Sized(31), used=set(), n_known=30)

    assert (new.added, len(model.shared.weight)) == ([30], 32)
    assert torch.allclose(model.shared.weight[30], before[:30].mean(dim=0), atol=1e-6)
    assert torch.equal(model.shared.weight[31], before[31])


def test_adapters_with_new_tokens_are_refused():
    lora = compose_config(["stage=train"]).train.lora
    with pytest.raises(ConfigError, match="1 tokens that the encoder-decoder model does not know"):
        add_adapters(tiny_t5(30), lora, [29])
