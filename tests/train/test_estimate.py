"""What a training will take, held against figures that others give."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSeq2SeqLM

from opencharacter.config import LoraConfig, TrainConfig, Tuning
from opencharacter.train.counting import Seen, counted
from opencharacter.train.estimate import (
    GIB,
    STRATEGIES,
    estimate_host,
    estimate_memory,
    fitting_table,
    host_table,
)
from opencharacter.train.lora import add_adapters
from opencharacter.train.performance import Speed
from opencharacter.train.shapes import KNOWN, read_shape
from tests.train.encoders import tiny_t5
from tests.train.models import tiny_model

LLAMA = read_shape(KNOWN["meta-llama/Meta-Llama-3-8B"])
CONFIG = TrainConfig(device_tokens=8192)


def memory(strategy, world_size, config=CONFIG):
    return estimate_memory(LLAMA, config, strategy=strategy, world_size=world_size, is_half=True)


def test_llama_3_8b_has_as_many_weights_as_its_files():
    assert LLAMA.weights == 8_030_261_248  # of its model.safetensors.index.json


@pytest.mark.parametrize("is_tied", [False, True])
def test_a_model_s_weights_are_counted_from_its_configuration(is_tied):
    model = tiny_model(is_tied=is_tied)

    assert read_shape(model.config.to_dict()).weights == model.num_parameters()


def test_adapters_are_counted_from_the_configuration():
    model = add_adapters(tiny_model(), LoraConfig(rank=4), [])

    assert read_shape(model.config.to_dict()).adapters(4) == model.get_nb_trainable_parameters()[0]


def test_zero_2_on_eight_gpus_keeps_30_gb_of_states():
    """The arithmetic of the ZeRO paper: 2 bytes a weight, and 14 shared by eight."""
    found = memory("zero2", 8)

    assert found.weights + found.gradients + found.optimizer == (2 + 14 / 8) * LLAMA.weights


def test_zero_3_shares_all_states_but_what_it_gathers():
    found = memory("zero3", 16)

    assert found.weights == 2 * LLAMA.weights / 16 + 2e9
    assert found.gradients + found.optimizer == 14 / 16 * LLAMA.weights


def test_full_training_on_one_gpu_fits_no_80_gb():
    assert memory("none", 1).total > 120 * GIB


def test_adapters_on_one_gpu_fit_24_gb():
    config = TrainConfig(tuning=Tuning.lora, device_tokens=4096)

    assert 16 * GIB < memory("none", 1, config).total < 24 * GIB


def test_offload_takes_the_optimizer_off_the_gpu():
    two = memory("zero2", 8, TrainConfig(deepspeed="zero2", offload=True))
    three = memory("zero3", 8, TrainConfig(deepspeed="zero3", offload=True))

    assert two[:3] == (2 * LLAMA.weights, 2 * 4096 * 128256, 0)  # a buffer for the embeddings
    assert three[:3] == (2e9, 0, 0)  # what is gathered at a time


def test_reduce_buckets_are_as_large_as_the_trainer_sets_them():
    """hidden**2 bf16 gradients: 32 MiB, two of them with ZeRO-2; DeepSpeed's own are 1 GB each."""
    beside = [memory(name, 8).other - memory("none", 8).other for name in STRATEGIES]

    assert beside == [0, 2 * 2 * 4096**2, 2 * 4096**2]


@pytest.mark.parametrize(
    ("targets", "weights"),
    [
        (["q_proj", "v_proj"], 32 * 8 * (4096 + 4096 + 4096 + 1024)),
        (["mlp.down_proj", "lm_head"], 32 * 8 * (14336 + 4096) + 8 * (4096 + 128256)),
        (["wi_0"], 0),  # of a T5
    ],
)
def test_adapters_take_what_their_targets_have(targets, weights):
    config = TrainConfig(tuning=Tuning.lora, lora=LoraConfig(rank=8, targets=targets))
    found = memory("none", 1, config)

    assert LLAMA.adapters(8, targets) == weights
    assert found.gradients + found.optimizer == 12 * weights
    assert found.weights == 2 * LLAMA.weights + 4 * weights


def test_targets_are_counted_as_peft_counts_them():
    targets = ["self_attn.k_proj", "gate_proj"]
    model = add_adapters(tiny_model(), LoraConfig(rank=4, targets=targets), [])
    shape = read_shape(model.config.to_dict())

    assert shape.adapters(4, targets) == model.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (CONFIG, ["none", "zero2", "zero3"]),
        (TrainConfig(tuning=Tuning.lora), ["none", "zero2"]),
        (TrainConfig(sft={"optim": "adafactor"}), ["none"]),
    ],
)
def test_what_is_refused_stands_in_no_table(config, names):
    for rows in (
        fitting_table(LLAMA, config, is_half=True),
        host_table(LLAMA, config, node_gpus=8, is_half=True),
    ):
        assert [name for name, _ in rows] == names


def host(strategy, config=CONFIG, shape=LLAMA):
    """Return what the first of two nodes of eight GPUs needs, in bytes a weight."""
    found = estimate_host(
        shape, config, strategy=strategy, world_size=16, node_ranks=8, is_half=True
    )
    return (found.opening / shape.weights, found.training / shape.weights)


def test_eight_ranks_open_eight_models_and_rank_0_gathers_one():
    assert host("none") == (8 * 4, 2)  # float32, and bfloat16 is written
    assert host("zero2") == (8 * 2, 2)
    assert host("zero3") == (0, 2)
    assert host("zero3", shape=LLAMA._replace(is_tied=True))[0] == 16


def test_what_is_offloaded_is_a_node_s_share():
    """Of a weight: float32 weight and gradient, two moments, bf16 gradient; ZeRO-3 its weight."""
    two, three = (TrainConfig(deepspeed=name, offload=True) for name in ("zero2", "zero3"))

    assert host("zero2", two) == (16, 8 / 16 * (4 + 4 + 8 + 2) + 2)
    assert host("zero3", three) == (0, 8 / 16 * (4 + 4 + 8 + 2 + 2) + 2)


def test_flops_of_a_token_are_six_a_weight_and_attention_stays_within_dialogues():
    whole = Speed(LLAMA, LLAMA.weights).flops(Seen(4096, 0, 4096**2), pairs=1.0)
    packed = Speed(LLAMA, LLAMA.weights).flops(Seen(4096, 0, 4 * 1024**2), pairs=1.0)
    multiplied = LLAMA.weights - 128256 * 4096 - 65 * 4096  # without input embeddings and norms

    assert packed == 6 * multiplied * 4096 + 12 * 32 * 4096 * 4 * 1024**2
    assert whole - packed == 12 * 32 * 4096 * (4096**2 - 4 * 1024**2)


def test_frozen_weights_need_no_gradient_of_their_own():
    full = Speed(LLAMA, LLAMA.weights).flops(Seen(1, 0, 0), pairs=1.0)
    lora = Speed(LLAMA, LLAMA.adapters(8)).flops(Seen(1, 0, 0), pairs=1.0)

    assert 0.66 < lora / full < 0.68


@pytest.mark.parametrize("is_tied", [False, True])
def test_flops_of_an_encoder_and_a_decoder_are_those_that_torch_counts(is_tied):
    shape = tiny_t5(96, is_tied=is_tied).config
    model = AutoModelForSeq2SeqLM.from_config(shape, attn_implementation="eager")
    read, said = torch.randint(2, 90, (3, 11)), torch.randint(2, 90, (3, 5))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=read, labels=said, use_cache=False).loss.backward()
    inputs = {
        "attention_mask": torch.ones_like(read),
        "labels": said,
        "decoder_input_ids": said,
    }
    seen = Seen(*counted(inputs).tolist())

    assert seen == Seen(3 * 16, 3 * 5, 3 * 11**2, 3 * 5**2, 3 * 11 * 5)
    found = Speed(read_shape(model.config.to_dict()), model.num_parameters())
    assert found.flops(seen, pairs=1.0) == counter.get_total_flops()


def test_a_causal_kernel_halves_the_pairs_of_what_is_said_alone():
    shape = read_shape(KNOWN["google-t5/t5-small"])
    seen = Seen(160, 60, 100**2, 60**2, 100 * 60)
    whole, half = (Speed(shape, shape.weights).flops(seen, pairs=each) for each in (1.0, 0.5))

    assert whole - half == 12 * 6 * 512 * 60**2 / 2
