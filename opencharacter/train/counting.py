"""What trainers of causal and of encoder-decoder models have in common."""

import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.trainer_utils import EvalLoopOutput

from opencharacter.train.fillers import EachOnce
from opencharacter.train.rows import IGNORED
from opencharacter.train.saving import grown_embeddings

Measure = Callable[[Any, dict[str, Any]], Tensor]
"""Of a model and a batch, sums (5,): nats, tokens, right tokens, turns, right turns."""


class Seen(NamedTuple):
    """What a rank trained on since it was last asked."""

    tokens: float
    supervised: float
    """Of them, those that are learned; of pairs, all that the decoder says."""
    squares: float
    """Sum of the squares of the dialogues' lengths: what attention costs. Of pairs, of what the
    encoder reads."""
    said_squares: float = 0.0
    """The same of what the decoder says; 0 without one."""
    crossed: float = 0.0
    """Sum of what is read times what is said, a pair each; 0 without a decoder."""


class Counting:
    """Mixed into a trainer of transformers, before it: counts, and keeps what we do ourselves out.

    A class and not functions, since transformers calls these by name.
    """

    args: Any
    model: Any
    accelerator: Any

    def __init__(self, *args: Any, n_rows: int, measure: Measure, **kwargs: Any) -> None:
        """Build the trainer.

        Args:
            args: Of transformers' trainer.
            n_rows: Of the rows to train on, those that are no fillers.
            measure: What a validation sums over a batch.
            kwargs: Of transformers' trainer.
        """
        self._n_rows = n_rows
        self._measure = measure
        super().__init__(*args, **kwargs)
        # Kept on the device: reading a number there would stop it for a moment at every batch.
        self._seen = torch.zeros(len(Seen._fields), dtype=torch.float64, device=self.args.device)

    def take_seen(self) -> Seen:
        """Return what all ranks trained on since this was last called; all must call it."""
        total = self.accelerator.reduce(self._seen.clone(), reduction="sum")
        self._seen.zero_()
        return Seen(*total.tolist())

    def training_step(
        self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        """Count what a batch holds, then do the trainer's step."""
        self._seen += counted(inputs)
        loss: Tensor = super().training_step(model, inputs, *args, **kwargs)  # type: ignore[misc]
        return loss

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Say nothing of tied weights, of which a checkpoint holds one name alone."""
        if is_only_tied(self.model, load_result.missing_keys):
            load_result = load_result._replace(missing_keys=[])
        super()._issue_warnings_after_load(load_result)  # type: ignore[misc]

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Return loss in nats a supervised token, and shares of right tokens and whole turns.

        A turn is right when each of its tokens, and its end, is the most likely one after the right
        ones before it. All are sums over the tokens of all ranks.
        """
        del description, prediction_loss_only, ignore_keys
        model = self._wrap_model(self.model, training=False)  # type: ignore[attr-defined]
        if not self.accelerator._models and model is self.model:  # without a training before it
            model = self.accelerator.prepare_model(model, evaluation_mode=True)
        model.eval()
        total = torch.zeros(5, dtype=torch.float64, device=self.args.device)
        for inputs in dataloader:
            given = self._prepare_inputs(inputs)  # type: ignore[attr-defined]
            with torch.no_grad(), self.compute_loss_context_manager():  # type: ignore[attr-defined]
                total += self._measure(model, given)
        summed = self.accelerator.reduce(total, reduction="sum")
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
            metrics={f"{metric_key_prefix}_{name}": value for name, value in metrics.items()},
            num_samples=len(dataloader.dataset),
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Return the order of the rows; fillers stand at the end of an epoch."""
        found = sampler(self, self._n_rows)
        return found or super()._get_train_sampler(train_dataset)  # type: ignore[misc]

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write no card into checkpoints: the stage writes one."""

    def _save(self, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint's weights."""
        with grown_embeddings():
            super()._save(*args, **kwargs)  # type: ignore[misc]

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


def is_only_tied(model: Any, missing: Collection[str]) -> bool:
    """Say whether each weight that a checkpoint lacks is one that it holds by another name.

    Args:
        model: With the weights of the checkpoint.
        missing: Names that were not found there.
    """
    places = {name: weight.data_ptr() for name, weight in model.state_dict().items()}
    held = {place for name, place in places.items() if name not in missing and place}
    return all(places.get(name) in held for name in missing)


def counted(inputs: dict[str, Any]) -> Tensor:
    """Return what `Seen` says of a batch: of packed dialogues, of padded ones, or of pairs."""
    labels = inputs["labels"]
    learned = labels != IGNORED
    if "cu_seq_lens_q" in inputs:
        read = inputs["cu_seq_lens_q"].diff()
    else:
        read = inputs["attention_mask"].sum(dim=1)
    said = torch.zeros_like(read)
    if "decoder_input_ids" in inputs:
        said = learned.sum(dim=1)
    counts = (
        read.sum() + said.sum(),
        learned.sum(),
        read.double().square().sum(),
        said.double().square().sum(),
        (read.double() * said).sum(),
    )
    return torch.stack([count.double().to(labels.device) for count in counts])
