"""What a training will take, before it takes it: steps, tokens, memory by formula, time.

Memory follows Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054) for weights, gradients and Adam's
states, and Korthikanti et al. 2022 (arXiv 2205.05198), adapted to gated feed-forwards and flash
attention, for activations. It is a reckoning: fragments and buffers of a real run add some tenths.
"""

from typing import NamedTuple

from opencharacter.config import TrainConfig, Tuning
from opencharacter.train.shapes import Shape

GIB = 2**30
WORLD_SIZES = (1, 2, 4, 8, 16)
"""GPUs in the table of memory."""
STRATEGIES = ("none", "zero2", "zero3")

_LIVE = 1_000_000_000  # weights that ZeRO-3 gathers at a time (stage3_max_live_parameters)
_BUCKETS = 2 * 500_000_000 * 2  # bytes; DeepSpeed's two reduce buckets of bf16 gradients
_CONTEXT = 1.5 * GIB  # CUDA's context, NCCL, cuBLAS


class Memory(NamedTuple):
    """Bytes on one GPU."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    other: float
    """Buffers, the gradient of the output embedding, and the driver's own."""

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(self)


def estimate_memory(
    shape: Shape, config: TrainConfig, *, strategy: str, world_size: int, is_half: bool
) -> Memory:
    """Reckon the memory of one GPU.

    Args:
        shape: Of the model.
        config: Tokens that a device takes at once, adapters, offload.
        strategy: `none`, `zero2` or `zero3`.
        world_size: GPUs.
        is_half: The forward pass computes in bfloat16.
    """
    is_lora = config.tuning is Tuning.lora
    trained = shape.adapters(config.lora.rank) if is_lora else shape.weights
    frozen = shape.weights if is_lora else 0
    half = 2 if is_half else 4
    shared = world_size if strategy == "zero3" else 1
    weights: float
    optimizer: float
    if strategy == "none":  # float32 weights, and under autocast a copy of them in bfloat16
        weights = trained * (4 + (2 if is_half and not is_lora else 0)) + frozen * half
        gradients, optimizer = 4.0 * trained, 8.0 * trained
    else:  # bfloat16 weights; float32 copies and both moments of Adam in the optimizer
        live = min(shape.weights, _LIVE) * half if strategy == "zero3" else 0
        weights = (trained + frozen) * half / shared + live
        gradients = half * trained / world_size
        optimizer = 0 if config.offload else 12 * trained / world_size
    return Memory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=_activations(shape, config, half),
        other=_CONTEXT
        + (_BUCKETS if strategy != "none" and not is_lora else 0)
        + (0 if is_lora else 4 * shape.hidden * shape.vocabulary),
    )


def _activations(shape: Shape, config: TrainConfig, half: int) -> float:
    """Return the bytes that the forward pass keeps for the backward pass."""
    rows = config.device_tokens // config.max_length
    tokens = rows * config.max_length
    widths = 4 * shape.hidden + 2 * shape.attention_width + 2 * shape.key_value_width
    layer = tokens * (widths + 4 * shape.intermediate) * half
    if not config.gradient_checkpointing:
        return shape.layers * layer
    return shape.layers * tokens * shape.hidden * half + layer


def fitting_table(
    shape: Shape, config: TrainConfig, *, is_half: bool
) -> list[tuple[str, list[float]]]:
    """Return the GiB of one GPU by strategy, for each of `WORLD_SIZES`."""
    return [
        (
            strategy,
            [
                estimate_memory(
                    shape, config, strategy=strategy, world_size=size, is_half=is_half
                ).total
                / GIB
                for size in WORLD_SIZES
            ],
        )
        for strategy in STRATEGIES
    ]
