"""The network of the embedded model: a LLaMA small enough to train in minutes on two cores."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 3072
CONTEXT = 2048
"""Tokens; training rows are this long at most."""


def new_network(*, seed: int) -> LlamaForCausalLM:
    """Return an untrained network in float32; the ids 0 to 5 are the tokenizer's control tokens."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        rope_theta=10_000.0,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=4,
        pad_token_id=5,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)
