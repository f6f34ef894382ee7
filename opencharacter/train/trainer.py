"""TRL's SFTTrainer, with validations that count tokens and turns, and without what we do ourselves.

TRL's own validation takes the mean over batches, whatever their number of supervised tokens; this
one sums over all tokens of all ranks, under the mask of the labels that training uses.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.trainer_utils import EvalLoopOutput
from trl import SFTTrainer

from opencharacter.train.fillers import EachOnce
from opencharacter.train.rows import IGNORED
from opencharacter.train.saving import grown_embeddings


class Seen(NamedTuple):
    """What a rank trained on since it was last asked."""

    tokens: float
    supervised: float
    """Of them, those that are learned."""
    squares: float
    """Sum of the squares of the dialogues' lengths: what attention costs."""


class CharacterTrainer(SFTTrainer):  # type: ignore[misc]
    """A causal trainer of dialogues whose rows come ready-made."""

    def __init__(self, *args: Any, n_rows: int, **kwargs: Any) -> None:
        """Build TRL's trainer; `n_rows` of the rows to train on are no fillers."""
        self._n_rows = n_rows
        super().__init__(*args, **kwargs)
        # Kept on the device: reading a number there would stop it for a moment at every batch.
        self._seen = torch.zeros(3, dtype=torch.float64, device=self.args.device)

    def take_seen(self) -> Seen:
        """Return what all ranks trained on since this was last called; all must call it."""
        total = self.accelerator.reduce(self._seen.clone(), reduction="sum")
        self._seen.zero_()
        return Seen(*total.tolist())

    def training_step(
        self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        """Count what a batch holds, then do TRL's step."""
        self._seen += _count(inputs)
        loss: Tensor = super().training_step(model, inputs, *args, **kwargs)
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Return the order of the rows; fillers stand at the end of an epoch."""
        return sampler(self, self._n_rows) or super()._get_train_sampler(train_dataset)

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

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write no card into checkpoints: the stage writes one."""

    def _save(self, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint's weights."""
        with grown_embeddings():
            super()._save(*args, **kwargs)

    def _send_telemetry(self) -> None:
        """Tell nobody, whatever the environment says."""


def sampler(trainer: Any, n_rows: int) -> EachOnce | None:
    """Return the order in which a trainer takes its rows; None = another one is asked for.

    Args:
        trainer: Of transformers, with its data set.
        n_rows: Of it that are no fillers.
    """
    arguments = trainer.args
    if arguments.train_sampling_strategy != "random":
        return None
    return EachOnce(
        n_rows,
        len(trainer.train_dataset) - n_rows,
        seed=arguments.data_seed,
        epoch=lambda: trainer.state.epoch,
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


def _count(inputs: dict[str, Any]) -> Tensor:
    """Return tokens, supervised tokens and the sum of the squares of the dialogues' lengths."""
    labels = inputs["labels"]
    if "cu_seq_lens_q" in inputs:
        lengths = inputs["cu_seq_lens_q"].diff()
    else:
        lengths = inputs["attention_mask"].sum(dim=1)
    counts = (lengths.sum(), (labels != IGNORED).sum(), lengths.double().square().sum())
    return torch.stack([count.double().to(labels.device) for count in counts])
