"""A tiny model with random weights, and rows of numbers, for tests of training."""

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from opencharacter.records import Method, Tokens
from opencharacter.store.rows import write_records
from opencharacter.train.rows import TokenRows, open_tokens, write_tokens

VOCABULARY = 64


def tiny_model(
    *, is_tied: bool = False, seed: int = 0, vocabulary: int = VOCABULARY, width: int = 32
) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=width,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            vocab_size=vocabulary,
            tie_word_embeddings=is_tied,
            max_position_embeddings=128,
            attn_implementation="sdpa",
        )
    )


def number_row(name: str, ids: list[int], learned: set[int], *, character: str = "c") -> Tokens:
    """Return a row of which the tokens at the places `learned` are learned."""
    labels = tuple(id_ if at in learned else -100 for at, id_ in enumerate(ids))
    return Tokens(
        row_id=name,
        character_id=character,
        instruction_id=f"i-{name}",
        persona_id="p",
        source="test",
        method=Method.generate,
        tokenizer="t",
        template="x@y",
        dropped_turns=0,
        n_supervised=len(labels) - labels.count(-100),
        input_ids=tuple(ids),
        labels=labels,
    )


def opened_rows(folder: Path, rows: list[Tokens]) -> TokenRows:
    """Return rows as a trainer reads them, sorted as their hashes say."""
    write_records(folder / "data" / "part-00000-of-00001.parquet", Tokens, rows)
    write_tokens(folder / "data", folder / "flat")
    return open_tokens(folder / "data", folder / "flat", seed=0)
