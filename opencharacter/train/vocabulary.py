"""Tokens that a model does not know: added ones, and control tokens that no training has touched.

A base model such as LLaMA-3 8B has rows for `<|start_header_id|>` and `<|eot_id|>` in its
embeddings, but they are what they were before its training. A fine-tuned model may then never stop.
Both kinds begin as the mean of the trained rows (Hewitt 2021, "Initializing new word embeddings for
pretrained language models"); Unsloth and axolotl do the same for untrained rows.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

_UNTRAINED = 1e-3  # of the median length of a row


class NewTokens(NamedTuple):
    """What was given a beginning."""

    added: list[int]
    """Ids beyond the vocabulary that the model came with."""
    untrained: list[int]
    """Ids of the model's own vocabulary that the rows use."""


def begin_tokens(model: Any, tokenizer: Any, used: Collection[int]) -> NewTokens:
    """Give tokens that the model does not know the mean of those that it knows.

    Args:
        model: Its embeddings grow to the tokenizer's size if they are smaller.
        tokenizer: With the added tokens.
        used: Ids in the training rows.

    Returns:
        The ids whose rows were set.
    """
    known = int(model.config.get_text_config().vocab_size)
    added = list(range(known, len(tokenizer)))
    if added:
        multiple = 64 if known % 64 == 0 else None  # kernels like whole tiles
        model.resize_token_embeddings(
            len(tokenizer), pad_to_multiple_of=multiple, mean_resizing=False
        )
    matrices = [model.get_input_embeddings().weight]
    if (head := model.get_output_embeddings()) is not None and head.weight is not matrices[0]:
        matrices.append(head.weight)
    untrained: set[int] = set()
    for matrix in matrices:
        untrained |= _begin_rows(matrix.data, known, used)
    return NewTokens(added, sorted(untrained))


def _begin_rows(matrix: Tensor, known: int, used: Collection[int]) -> set[int]:
    """Set rows beyond `known`, and used ones that are almost zero; return the latter's ids.

    Args:
        matrix: (vocabulary, hidden), changed in place.
        known: Rows that came with the model.
        used: Ids in the training rows.
    """
    lengths = matrix[:known].float().norm(dim=1)  # (known,)
    is_trained = lengths > _UNTRAINED * lengths.median()
    mean = matrix[:known][is_trained].float().mean(dim=0).to(matrix.dtype)
    untrained = {i for i in used if i < known and not is_trained[i]}
    rows = [*range(known, len(matrix)), *sorted(untrained)]
    with torch.no_grad():
        matrix[rows] = mean
    return untrained
