"""TRL's SFTTrainer, with validations that count tokens and turns, and without what we do ourselves.

TRL's own validation takes the mean over batches, whatever their number of supervised tokens; this
one sums over all tokens of all ranks, under the mask of the labels that training uses.
"""

from typing import Any

import torch
from torch import Tensor
from trl import SFTTrainer

from opencharacter.train.counting import Counting


class CharacterTrainer(Counting, SFTTrainer):  # type: ignore[misc]
    """A causal trainer of dialogues whose rows come ready-made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build TRL's trainer."""
        super().__init__(*args, measure=dialogue_sums, **kwargs)


def dialogue_sums(model: Any, inputs: dict[str, Any]) -> Tensor:
    """Return sums (5,) over a batch: nats, tokens, right tokens, turns, right turns.

    Args:
        model: As TRL prepares it, which tells of each supervised token how likely it was.
        inputs: Of the model, with labels.
    """
    outputs = model(**inputs, use_cache=False, fused_lm_head=True)
    mask = outputs.label_mask  # (rows, tokens - 1)
    is_wrong = mask & ~outputs.is_top1.bool()
    begins = mask & ~torch.nn.functional.pad(mask, (1, 0))[:, :-1]
    turn = begins.flatten().cumsum(0)  # number of the turn that a token is in, from 1
    wrong_turns = torch.unique(turn[is_wrong.flatten()]).numel()
    turns = begins.sum()
    sums = [-outputs.log_probs.sum(), mask.sum(), mask.sum() - is_wrong.sum()]
    return torch.stack(
        [*(s.double() for s in sums), turns.double(), (turns - wrong_turns).double()]
    )
