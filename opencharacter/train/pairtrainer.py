"""transformers' Trainer for encoder-decoder models: the loss of a step is of its tokens, not rows.

transformers' own loss of a T5 is a mean over a batch, so a step of several batches would weigh a
token of a short answer more than one of a long answer; here it is divided by the tokens of all.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import Trainer

from opencharacter.train.counting import Counting
from opencharacter.train.rows import IGNORED


class PairTrainer(Counting, Trainer):  # type: ignore[misc]
    """A trainer of answers to what an encoder reads; its rows come ready-made, one an answer."""

    def __init__(self, *, model: Any, processing_class: Any, **kwargs: Any) -> None:
        """Build transformers' trainer; rows are padded to the longest of their batch."""
        super().__init__(
            model=model,
            processing_class=processing_class,
            data_collator=partial(
                pad_pairs,
                pad=processing_class.pad_token_id,
                moved=model.prepare_decoder_input_ids_from_labels,
            ),
            compute_loss_func=answer_loss,
            measure=answer_sums,
            **kwargs,
        )


def answer_sums(model: Any, inputs: dict[str, Any]) -> Tensor:
    """Return sums (5,) over a batch: nats, tokens, right tokens, answers, right answers.

    Args:
        model: An encoder-decoder.
        inputs: Of the model, with labels.
    """
    labels = inputs["labels"]  # (answers, tokens)
    outputs = model(**inputs, use_cache=False)
    mask = labels != IGNORED
    is_wrong = mask & (outputs.logits.argmax(dim=-1) != labels)
    sums = (
        answer_loss(outputs, labels),
        mask.sum(),
        (mask & ~is_wrong).sum(),
        mask.any(dim=1).sum(),
        (mask.any(dim=1) & ~is_wrong.any(dim=1)).sum(),
    )
    return torch.stack([each.double() for each in sums])


def pad_pairs(
    rows: Sequence[Mapping[str, Any]], *, pad: int, moved: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """Put rows into one batch; what is padded is neither read nor learned.

    Args:
        rows: `input_ids` and `labels` of each, as numbers of any length.
        pad: Token that fills what is read up.
        moved: Makes the decoder's input of labels: the answer, moved by one.
    """
    read = [torch.as_tensor(row["input_ids"]) for row in rows]
    said = [torch.as_tensor(row["labels"]) for row in rows]
    labels = pad_sequence(said, batch_first=True, padding_value=IGNORED)
    return {
        "input_ids": pad_sequence(read, batch_first=True, padding_value=pad),
        # By length: a pad token within a text would be read.
        "attention_mask": pad_sequence([torch.ones_like(ids) for ids in read], batch_first=True),
        "labels": labels,
        "decoder_input_ids": moved(labels),
    }


def answer_loss(
    outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None
) -> Tensor:
    """Return the loss of some answers in nats, in float32; padding has none.

    Args:
        outputs: `logits` are (answers, tokens, vocabulary).
        labels: (answers, tokens), -100 where an answer has ended.
        num_items_in_batch: Tokens of all batches of a step, that the sum is divided by; None = it
            is not.
    """
    logits = outputs["logits"].float().flatten(0, 1)
    total = cross_entropy(logits, labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return total if num_items_in_batch is None else total / num_items_in_batch
