"""Tokens that a model does not know: added ones, and control tokens that no training has touched.

A base model such as LLaMA-3 8B has rows for `<|start_header_id|>` and `<|eot_id|>` in its
embeddings, but they are what they were before its training. A fine-tuned model may then never stop.
Both kinds begin as the mean of the trained rows (Hewitt 2021, "Initializing new word embeddings for
pretrained language models"); Unsloth and axolotl do the same for untrained rows.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from opencharacter.train.zero import gathered

_UNTRAINED = 1e-3  # of the median length of a row


class NewTokens(NamedTuple):
    """What was given a beginning."""

    added: list[int]
    """Ids beyond the vocabulary that the model came with."""
    untrained: list[int]
    """Ids of the model's own vocabulary that the rows use."""


def begin_tokens(
    model: Any, tokenizer: Any, used: Collection[int], n_known: int | None = None
) -> NewTokens:
    """Give tokens that the model does not know the mean of those that it knows.

    Args:
        model: Its embeddings grow to the tokenizer's size if they are smaller.
        tokenizer: With the added tokens.
        used: Ids in the training rows.
        n_known: Tokens of the tokenizer before any were added: a model may have more rows than
            these (T5: 32,128 for 32,100), so that an added token needs no new one; None = as many
            as the model has rows.

    Returns:
        The ids whose rows were set.
    """
    rows = int(model.config.get_text_config().vocab_size)
    known = rows if n_known is None else min(rows, n_known)
    added = list(range(known, len(tokenizer)))
    if len(tokenizer) > rows:
        multiple = 64 if rows % 64 == 0 else None  # kernels like whole tiles
        model.resize_token_embeddings(
            len(tokenizer), pad_to_multiple_of=multiple, mean_resizing=False
        )
    matrices = [model.get_input_embeddings().weight]
    if (head := model.get_output_embeddings()) is not None and head.weight is not matrices[0]:
        matrices.append(head.weight)
    untrained: set[int] = set()
    for matrix in matrices:
        with gathered([matrix]):
            new = sorted({*added, *range(rows, len(matrix))})
            untrained |= _begin_rows(matrix.data, known, new, used)
    return NewTokens(added, sorted(untrained))


def _begin_rows(matrix: Tensor, known: int, new: Sequence[int], used: Collection[int]) -> set[int]:
    """Set new rows, and used ones that are almost zero; return the latter's ids.

    Args:
        matrix: (vocabulary, hidden), changed in place.
        known: Rows of tokens that came with the model.
        new: Rows without a meaning yet.
        used: Ids in the training rows.
    """
    lengths = matrix[:known].float().norm(dim=1)  # (known,)
    is_trained = lengths > _UNTRAINED * lengths.median()
    mean = matrix[:known][is_trained].float().mean(dim=0).to(matrix.dtype)
    untrained = {i for i in used if i < known and not is_trained[i]}
    rows = [*new, *sorted(untrained)]
    with torch.no_grad():
        matrix[rows] = mean
    return untrained
