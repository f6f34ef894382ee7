"""The network of the embedded model: a small LLaMA that is built able to copy.

A network this small finds copying only after hours of dialogues, or after a curriculum of random
tokens. So its first weights already do it, as an induction head does (Olsson et al. 2022,
arXiv 2209.11895): layer 0 writes the last two tokens beside each token, and the mean of the last
30 or so; layer 1 looks for the place where these stood before and brings the token that followed.
The mean tells two places apart at which the same words stand. Where nothing matches, layer 1 looks
at the first token of all, which holds nothing (an attention sink; Xiao et al. 2023,
arXiv 2309.17453). Training then refines it.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 4096
CONTEXT = 2048
"""Tokens; training rows are this long at most."""

_BOS = 0  # begins every row
_HEADS, _HEAD = 4, 64
_THETA = 500_000.0  # of RoPE; pair p turns by _THETA ** (-p / 32) radians a token
_PAIRS = _HEAD // 2
_CODE = 128  # dimensions of the residual stream that hold the token itself
_CONSTANT = 255  # a dimension that is the same for all tokens
_SINK = 254  # a dimension of the first token alone: where nothing matches, heads look there
# Pairs that turn less than 3.5 radians over 1,000 tokens: content is matched there. The faster
# ones tell neighbouring positions apart.
_STEADY = [pair for pair in range(_PAIRS) if _THETA ** (-pair / _PAIRS) < 0.0035]
_STEADY_PLACES = [*_STEADY, *(pair + _PAIRS for pair in _STEADY)]


class _Written(NamedTuple):
    """What a head of layer 0 writes beside each token, and how layer 1 matches it."""

    back: int
    """The distance that it looks back; a pattern of `pairs` blurs it."""
    pairs: range
    """The pairs of RoPE that make the distance."""
    sharpness: float
    source: int
    """First dimension of the token's code that it copies."""
    at: int
    """First dimension of the residual stream that it writes to."""
    width: int
    gain: float
    matched: int
    """How many of these dimensions one head of layer 1 matches."""
    step: int
    """By how many dimensions the heads of layer 1 differ."""
    weight: float
    """Of the match."""
    against: int
    """First dimension of what is looked for: of the last token, the token here, and so on."""


# The numbers are the best of about 1,100 random ones, on repeated random tokens with repetitions
# inside (256 and 900 tokens; the untrained network loses 0.7 to 1.3 nats there, and where nothing
# is repeated 1.7 more than the ln 4096 of an even guess).
_LAST = _Written(1, range(14), 0.153, 0, 128, 52, 0.88, 17, 13, 1.34, 0)
_BEFORE = _Written(2, range(14), 0.204, 0, 180, 39, 1.285, 12, 10, 0.946, 128)
_MEAN = _Written(0, range(7, 16), 0.074, 64, 219, 35, 3.4, 6, 9, 1.374, 219)
_MATCH, _TO_SINK = 2.255, 1.046  # weights of layer 1: keys, and the query that meets the sink
_BRING = 1.2  # weight of the token that is brought; more drowns what later layers say


def new_network(*, seed: int) -> LlamaForCausalLM:
    """Return a network in float32 that copies; the ids 0 to 5 are the control tokens."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=_HEADS,
        num_key_value_heads=_HEADS,
        head_dim=_HEAD,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": _THETA},
        tie_word_embeddings=False,
        bos_token_id=_BOS,
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
        embedding[_BOS] = 0.0
        embedding[:, _SINK] = 0.0
        embedding[_BOS, _SINK] = 0.5
        embedding[:, _CONSTANT] = 0.5
        network.lm_head.weight.zero_()
        network.lm_head.weight[:, :_CODE] = embedding[:, :_CODE]
        _write_neighbours(network.model.layers[0].self_attn)
        _find_and_bring(network.model.layers[1].self_attn)
        for layer in network.model.layers:
            layer.mlp.down_proj.weight.mul_(0.4)
    return network


def _write_neighbours(attention: torch.nn.Module) -> None:
    """Make the first three heads write what stands before each token."""
    query, key, value, out = _weights(attention)
    for head, written in enumerate((_LAST, _BEFORE, _MEAN)):
        place = head * _HEAD
        for pair in written.pairs:  # rotated so that the product peaks at this distance
            angle = -written.back * _THETA ** (-pair / _PAIRS)
            key[place + pair, _CONSTANT] = 1.5
            query[place + pair, _CONSTANT] = written.sharpness * math.cos(angle)
            query[place + pair + _PAIRS, _CONSTANT] = written.sharpness * math.sin(angle)
        for at in range(written.width):
            value[place + at, written.source + at] += 0.173
            out[written.at + at, place + at] += written.gain


def _find_and_bring(attention: torch.nn.Module) -> None:
    """Match this token, the last and the mean with what was written elsewhere; bring its token."""
    query, key, value, out = _weights(attention)
    for head in range(_HEADS):
        place, free = head * _HEAD, iter(_STEADY_PLACES)
        for written in (_LAST, _BEFORE, _MEAN):
            for at in range(written.matched):
                dimension, steady = (written.step * head + at) % written.width, next(free)
                key[place + steady, written.at + dimension] += _MATCH
                query[place + steady, written.against + dimension] += written.weight
        nothing = place + next(free)
        key[nothing, _SINK] += _MATCH
        query[nothing, _CONSTANT] += _TO_SINK
        half = head % 2 * _HEAD  # two heads bring the token's first dimensions, two the others
        value[place : place + _HEAD, half : half + _HEAD] += torch.eye(_HEAD)
        out[half : half + _HEAD, place : place + _HEAD] += _BRING * torch.eye(_HEAD)


def _weights(attention: torch.nn.Module) -> list[Tensor]:
    names = ("q_proj", "k_proj", "v_proj", "o_proj")
    weights = [attention.get_parameter(f"{name}.weight") for name in names]
    for weight in weights:
        weight.mul_(0.1)
    return list(weights)
