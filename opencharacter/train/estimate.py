"""What a training will take, before it takes it: steps, tokens, memory by formula, time.

Memory follows Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054) for weights, gradients and Adam's
states, and Korthikanti et al. 2022 (arXiv 2205.05198), adapted to gated feed-forwards and flash
attention, for activations. It is a reckoning: fragments and buffers of a real run add some tenths.
"""

from typing import NamedTuple

from opencharacter.config import TrainConfig, Tuning
from opencharacter.train.shapes import AnyShape, Shape

GIB = 2**30
WORLD_SIZES = (1, 2, 4, 8, 16)
"""GPUs in the table of memory."""
STRATEGIES = ("none", "zero2", "zero3")

# Reduce buckets of DeepSpeed: two for ZeRO-2 (overlap_comm), one for ZeRO-3, of hidden**2 gradients
# each, as transformers reads reduce_bucket_size=auto.
_BUCKETS = {"none": 0, "zero2": 2, "zero3": 1}

_LIVE = 1_000_000_000  # weights that ZeRO-3 gathers at a time (stage3_max_live_parameters)
_CONTEXT = 1.5 * GIB  # CUDA's context, NCCL, cuBLAS
_OFFLOADED = 4 + 8 + 4 + 2  # bytes a weight: float32 weights, moments and gradients; bf16 gradients


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


class Host(NamedTuple):
    """Bytes in the memory of the CPU of one node, without Python and its libraries."""

    opening: float
    """While its ranks open the model, each all of it; 0 if they open it in pieces."""
    training: float
    """What is offloaded, and the weights gathered on the first node when they are written."""

    @property
    def most(self) -> float:
        """What a node needs."""
        return max(self)


def estimate_memory(
    shape: AnyShape, config: TrainConfig, *, strategy: str, world_size: int, is_half: bool
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
    trained = trained_weights(shape, config)
    frozen = shape.weights if is_lora else 0
    half = 2 if is_half else 4
    shared = world_size if strategy == "zero3" else 1
    weights: float
    optimizer: float
    if strategy == "none":  # float32 weights, and under autocast a copy of them in bfloat16
        weights = trained * (4 + (2 if is_half and not is_lora else 0)) + frozen * half
        # Adafactor keeps a number for each row and column instead of two for each weight.
        is_adafactor = config.sft.get("optim") == "adafactor"
        gradients, optimizer = 4.0 * trained, (0.0 if is_adafactor else 8.0) * trained
    else:  # bfloat16 weights; float32 copies and both moments of Adam in the optimizer
        live = min(shape.weights, _LIVE) * half if strategy == "zero3" else 0
        is_away = config.offload and strategy == "zero3"
        weights = live + (0 if is_away else (trained + frozen) * half / shared)
        gradients = half * trained / world_size
        optimizer = 12 * trained / world_size
        if config.offload:  # ZeRO-2 keeps a buffer for the largest of them
            gradients, optimizer = 0 if is_away else half * shape.hidden * shape.vocabulary, 0
    return Memory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=_activations(shape, config, half),
        other=_CONTEXT
        + _BUCKETS[strategy] * half * shape.hidden**2
        + (0 if is_lora else 4 * shape.hidden * shape.vocabulary),
    )


def trained_weights(shape: AnyShape, config: TrainConfig) -> int:
    """Return how many weights change: all, or those of adapters at their targets."""
    if config.tuning is Tuning.lora:
        return shape.adapters(config.lora.rank, config.lora.targets)
    return shape.weights


def estimate_host(
    shape: AnyShape,
    config: TrainConfig,
    *,
    strategy: str,
    world_size: int,
    node_ranks: int,
    is_half: bool,
) -> Host:
    """Reckon the memory of the CPU of the first node, whose rank 0 writes the weights.

    Args:
        shape: Of the model.
        config: Adapters, offload.
        strategy: `none`, `zero2` or `zero3`.
        world_size: Ranks.
        node_ranks: Of them, those of one node.
        is_half: The forward pass computes in bfloat16.
    """
    half = 2 if is_half else 4
    opened = half if strategy != "none" or config.tuning is Tuning.lora else 4
    in_pieces = strategy == "zero3" and isinstance(shape, Shape) and not shape.is_tied
    kept = 0.0
    if config.offload and strategy != "none":
        kept = _OFFLOADED * trained_weights(shape, config) / world_size
        kept += half * shape.weights / world_size if strategy == "zero3" else 0
    return Host(
        opening=0 if in_pieces else opened * shape.weights * node_ranks,
        training=kept * node_ranks + half * shape.weights,
    )


def strategies(config: TrainConfig) -> tuple[str, ...]:
    """Return the strategies that are not refused with these settings."""
    if config.sft.get("optim") == "adafactor":
        return STRATEGIES[:1]
    return STRATEGIES[:2] if config.tuning is Tuning.lora else STRATEGIES


def _activations(shape: AnyShape, config: TrainConfig, half: int) -> float:
    """Return the bytes that the forward pass keeps for the backward pass."""
    rows = config.device_tokens // config.max_length
    tokens = rows * config.max_length
    widths = 4 * shape.hidden + 2 * shape.attention_width + 2 * shape.key_value_width
    layer: float = tokens * (widths + 4 * shape.intermediate) * half
    # Scores, their softmax and its dropout (Korthikanti et al.: 5as^2b bytes in half precision).
    layer += 2.5 * half * shape.dense_heads * rows * config.max_length**2
    if not config.gradient_checkpointing:
        return shape.layers * layer
    return shape.layers * tokens * shape.hidden * half + layer


def fitting_table(
    shape: AnyShape, config: TrainConfig, *, is_half: bool
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
        for strategy in strategies(config)
    ]


def host_table(
    shape: AnyShape, config: TrainConfig, *, node_gpus: int, is_half: bool
) -> list[tuple[str, list[float]]]:
    """Return the GiB of a node's CPU by strategy, for each of `WORLD_SIZES`.

    Args:
        shape: Of the model.
        config: Adapters, offload.
        node_gpus: GPUs of a node; fewer ranks are all on one.
        is_half: The forward pass computes in bfloat16.
    """

    def most(strategy: str, size: int) -> float:
        return estimate_host(
            *(shape, config),
            strategy=strategy,
            world_size=size,
            node_ranks=min(size, node_gpus),
            is_half=is_half,
        ).most

    return [
        (strategy, [most(strategy, size) / GIB for size in WORLD_SIZES])
        for strategy in strategies(config)
    ]
