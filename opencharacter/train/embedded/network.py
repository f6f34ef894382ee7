"""The network of the embedded model: a small LLaMA that is built able to copy.

A network this small finds copying only after hours of dialogues, or after a curriculum of random
tokens. So its first weights already do it, as an induction head does (Olsson et al. 2022,
arXiv 2209.11895): layer 0 writes the last two tokens beside each token, layer 1 looks for the
place where these stood before and brings the token that followed. Training then refines it.
"""

import math

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 3072
CONTEXT = 2048
"""Tokens; training rows are this long at most."""

_HEAD = 32
_GROUPS = 4  # of key-value heads; each serves two query heads
_CODE = 128  # dimensions of the residual stream that hold the token itself
_LAST, _BEFORE = 18, 12  # of the code of the last token and of the one before, per group
_CONSTANT = 255  # a dimension that is the same for all tokens
# Pairs of RoPE that turn less than 3 radians over 1,000 tokens (theta 500,000): content is
# matched there. The faster ones tell neighbouring positions apart.
_STEADY = [pair for pair in range(16) if 500_000.0 ** (-pair / 16) < 0.0035]
_STEADY_PLACES = [*_STEADY, *(pair + 16 for pair in _STEADY)]


def new_network(*, seed: int) -> LlamaForCausalLM:
    """Return a network in float32 that copies; the ids 0 to 5 are the control tokens."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=2 * _GROUPS,
        num_key_value_heads=_GROUPS,
        head_dim=_HEAD,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=4,
        pad_token_id=5,
        attn_implementation="sdpa",
    )
    network = LlamaForCausalLM(config)
    with torch.no_grad():
        embedding = network.model.embed_tokens.weight  # (vocabulary, hidden)
        embedding.zero_()
        embedding[:, :_CODE].normal_(0.0, _CODE**-0.5)
        embedding[:, _CODE:_CONSTANT].normal_(0.0, 0.01)
        embedding[:, _CONSTANT] = 0.5
        _write_neighbours(network.model.layers[0].self_attn)
        _find_and_bring(network.model.layers[1].self_attn)
        for layer in network.model.layers:
            layer.mlp.down_proj.weight.mul_(0.3)
    return network


def _write_neighbours(attention: torch.nn.Module) -> None:
    """Make even heads look one token back and odd ones two, and write what stands there."""
    query, key, value, out = _weights(attention)
    for group in range(_GROUPS):
        place = group * _HEAD
        key[place : place + 7, _CONSTANT] = 1.5
        value[place : place + _HEAD, place : place + _HEAD] += 0.8 * torch.eye(_HEAD)
        for back in (1, 2):
            head = (2 * group + back - 1) * _HEAD
            for pair in range(7):  # rotated so that the product peaks at this distance
                angle = -back * 500_000.0 ** (-pair / 16)
                query[head + pair, _CONSTANT] = 1.6 * math.cos(angle)
                query[head + pair + 16, _CONSTANT] = 1.6 * math.sin(angle)
            width = _LAST if back == 1 else _BEFORE
            start = _CODE + group * _LAST if back == 1 else 200 + group * _BEFORE
            out[start : start + width, head : head + width] += torch.eye(width)


def _find_and_bring(attention: torch.nn.Module) -> None:
    """Match this token (and the last) with what was written beside others; bring their token."""
    query, key, value, out = _weights(attention)
    for group in range(_GROUPS):
        place = group * _HEAD
        for at, steady in enumerate(_STEADY_PLACES):
            is_last = at < 11
            source = _CODE + group * _LAST + at if is_last else 200 + group * _BEFORE + at - 11
            key[place + steady, source] += 4.0
            for head, weight in ((2 * group, 0.4), (2 * group + 1, 1.7)):
                wanted = group * _HEAD + at if is_last else _CODE + group * _LAST + at - 11
                query[head * _HEAD + steady, wanted] += 2.2 if is_last else weight
        value[place : place + _HEAD, place : place + _HEAD] += torch.eye(_HEAD)
        for head in (2 * group, 2 * group + 1):
            into = slice(head * _HEAD, (head + 1) * _HEAD)
            out[place : place + _HEAD, into] += 0.75 * torch.eye(_HEAD)


def _weights(attention: torch.nn.Module) -> list[Tensor]:
    names = ("q_proj", "k_proj", "v_proj", "o_proj")
    weights = [attention.get_parameter(f"{name}.weight") for name in names]
    for weight in weights:
        weight.mul_(0.1)
    return list(weights)
