"""What trainers of causal and of encoder-decoder models have in common."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from opencharacter.train.fillers import EachOnce
from opencharacter.train.rows import IGNORED
from opencharacter.train.saving import grown_embeddings


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
    accelerator: Any

    def __init__(self, *args: Any, n_rows: int, **kwargs: Any) -> None:
        """Build the trainer; `n_rows` of the rows to train on are no fillers."""
        self._n_rows = n_rows
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
