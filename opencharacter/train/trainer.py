"""TRL's SFTTrainer, with validations that count tokens and turns, and without what we do ourselves.

TRL's own validation takes the mean over batches, whatever their number of supervised tokens; this
one sums over all tokens of all ranks, under the mask of the labels that training uses.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers.trainer_utils import EvalLoopOutput
from trl import SFTTrainer

from opencharacter.train.counting import Counting


class CharacterTrainer(Counting, SFTTrainer):  # type: ignore[misc]
    """A causal trainer of dialogues whose rows come ready-made."""

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Return loss in nats a supervised token, and shares of right tokens and whole turns.

        A turn is right when each of its supervised tokens is the most likely one after the right
        ones before it.
        """
        del description, prediction_loss_only, ignore_keys
        return validated(self, dataloader, self._measure, metric_key_prefix)

    def _measure(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """Return sums over a batch: nats, tokens, right tokens, turns, right turns."""
        with torch.no_grad(), self.compute_loss_context_manager():
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


def validated(
    trainer: Any, dataloader: Any, measure: Callable[[Any, dict[str, Any]], Tensor], prefix: str
) -> EvalLoopOutput:
    """Return what a validation finds, summed over all tokens of all ranks.

    Args:
        trainer: Of transformers.
        dataloader: Its batches.
        measure: Returns, for a model and a batch, nats, tokens, right tokens, turns, right turns.
        prefix: Of the names of the metrics.
    """
    model = trainer._wrap_model(trainer.model, training=False)
    if not trainer.accelerator._models and model is trainer.model:  # without a training before it
        model = trainer.accelerator.prepare_model(model, evaluation_mode=True)
    model.eval()
    total = torch.zeros(5, dtype=torch.float64, device=trainer.args.device)
    for inputs in dataloader:
        total += measure(model, trainer._prepare_inputs(inputs))
    summed = trainer.accelerator.reduce(total, reduction="sum")
    loss, tokens, right, turns, right_turns = summed.tolist()
    metrics = {
        "loss": loss / tokens if tokens else math.nan,
        "token_accuracy": right / tokens if tokens else math.nan,
        "turn_accuracy": right_turns / turns if turns else math.nan,
        "supervised_tokens": tokens,
        "turns": turns,
    }
    return EvalLoopOutput(
        predictions=None,
        label_ids=None,
        metrics={f"{prefix}_{name}": value for name, value in metrics.items()},
        num_samples=len(dataloader.dataset),
    )
