"""How fast a training is: tokens, step times, memory, and the share of the GPU's peak that is used.

MFU counts what the mathematics needs, not what is computed again for gradient checkpointing: 6
FLOPs a token and weight (2 forward, 2 for the gradient of activations, 2 for that of weights, which
frozen weights under adapters do without), and for attention 12 * layers * width for each pair of
tokens of one dialogue (Chowdhery et al. 2022, PaLM, appendix B): packed dialogues do not see each
other, so their pairs are the sum of len**2 and not the square of the row. `mfu` counts each pair,
as PaLM does; `mfu_causal` half of them, as a causal kernel computes.

Of an encoder-decoder model (Raffel et al. 2020, T5, arXiv 1910.10683, section 2.1) the same is
counted layer by layer: what is read goes through the encoder and through the keys and values of the
decoder's second attention, what is said through the rest of the decoder. Pairs are read with read
in the encoder, said with said in the decoder (these alone can be halved), and read with said.
"""

import time
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opencharacter.train.counting import Counting, Seen
from opencharacter.train.shapes import AnyShape, Shape

PEAK_FLOPS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "B200": 2_250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 FLOP/s by what a GPU's name holds, from NVIDIA's data sheets; the first that fits."""

_REMEMBERED = 1_000  # steps whose times the percentiles are of


class Speed(NamedTuple):
    """Where a model's FLOPs go."""

    shape: AnyShape
    trained: int
    """Weights that change."""

    def flops(self, seen: Seen, *, pairs: float) -> float:
        """Return the FLOPs of a forward and a backward pass.

        Args:
            seen: What was trained on.
            pairs: Of the pairs of tokens that are counted: 1 = all, 0.5 = a causal kernel's.
        """
        shape = self.shape
        if isinstance(shape, Shape):
            products = shape.multiplied * seen.tokens
            met = shape.layers * pairs * seen.squares
        else:
            products = shape.products(seen.tokens - seen.supervised, seen.supervised)
            met = shape.encoders * seen.squares
            met += shape.decoders * (pairs * seen.said_squares + seen.crossed)
        changing = min(self.trained / shape.multiplied, 1.0)
        return (4 + 2 * changing) * products + 12 * shape.attention_width * met


def peak_flops() -> float | None:
    """Return the peak of this GPU in dense bf16 FLOP/s; None = no GPU, or one that is not known."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((peak for part, peak in PEAK_FLOPS.items() if part in name), None)


class Performance(TrainerCallback):  # type: ignore[misc]
    """Adds how fast the training is to each line of metrics."""

    def __init__(self, trainer: Counting, speed: Speed | None, filled: float) -> None:
        """Begin to measure at the first step.

        Args:
            trainer: Counts what it trains on.
            speed: Where its FLOPs go; None = not known, and no MFU is told.
            filled: Share of the packs that dialogues fill.
        """
        self._trainer, self._speed, self._filled = trainer, speed, filled
        self._mark = time.perf_counter()
        self._times: list[float] = []
        self._unlogged = 0.0
        self._peak = peak_flops()

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._mark = time.perf_counter()

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Leave a validation out of the next step's time."""
        self._mark = time.perf_counter()

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        """Leave a checkpoint out of the next step's time."""
        self._mark = time.perf_counter()

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Take the time of a step, the reading of its rows included."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        self._times = [*self._times[1 - _REMEMBERED :], now - self._mark]
        self._unlogged += now - self._mark
        self._mark = now

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the figures; on all ranks, since they count together."""
        if logs is None or "loss" not in logs:
            return
        seen = self._trainer.take_seen()
        logs.update(self._figures(seen, args.world_size))
        self._unlogged = 0.0

    def _figures(self, seen: Seen, world_size: int) -> dict[str, float]:
        seconds = max(self._unlogged, 1e-9)
        figures = {
            "tokens_per_second": seen.tokens / seconds,
            "tokens_per_second_per_device": seen.tokens / seconds / world_size,
            "supervised_tokens_per_second": seen.supervised / seconds,
            "packing_efficiency": self._filled,
            "step_seconds_p50": float(np.percentile(self._times, 50)),
            "step_seconds_p95": float(np.percentile(self._times, 95)),
        }
        if torch.cuda.is_available():
            figures["peak_memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
        if self._peak is not None and self._speed is not None:
            possible = self._peak * world_size * seconds
            figures["mfu"] = self._speed.flops(seen, pairs=1.0) / possible
            figures["mfu_causal"] = self._speed.flops(seen, pairs=0.5) / possible
        return figures
