"""What a training will take, held against figures that others give."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSeq2SeqLM

from opencharacter.config import LoraConfig, TrainConfig, Tuning
from opencharacter.train.counting import Seen, counted
from opencharacter.train.estimate import GIB, estimate_memory
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
    assert memory("zero2", 8, TrainConfig(deepspeed="zero2", offload=True)).optimizer == 0


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
