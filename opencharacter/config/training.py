"""How a model is trained."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opencharacter.config.ranges import require


class Objective(StrEnum):
    """What is learned."""

    causal = "causal"
    """The next token of the assistant's turns (LLaMA, Mistral, Qwen ...)."""
    seq2seq = "seq2seq"
    """Each assistant turn from the dialogue before it (T5 family)."""


class Tuning(StrEnum):
    """Which weights change."""

    full = "full"
    lora = "lora"


@dataclass(kw_only=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685), through PEFT."""

    rank: int = 64
    alpha: float = 128.0
    """Scale: the adapters' output is multiplied by alpha / rank."""
    dropout: float = 0.05
    targets: list[str] = field(default_factory=lambda: ["all-linear"])
    """Names of the modules that get adapters."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.rank >= 1, f"lora.rank is {self.rank}; it must be >= 1")
        require(self.alpha > 0, f"lora.alpha is {self.alpha}; it must be > 0")
        require(0 <= self.dropout < 1, f"lora.dropout is {self.dropout}; it must be in [0, 1)")


@dataclass(kw_only=True)
class TrainConfig:
    """A model trained on the tokens of a mixture."""

    model: str = "embedded_base"
    """Model that the training begins with: hub id, folder, or `embedded_base`, the small base."""
    revision: str | None = None
    """Commit or tag of a hub model; None = its newest."""
    objective: Objective = Objective.causal
    """What is learned: the next token of the assistant's turns, or a turn from those before it."""
    tuning: Tuning = Tuning.full
    """Which weights change: all, or low-rank adapters that are merged at the end."""
    lora: LoraConfig = field(default_factory=LoraConfig)
    deepspeed: str = "none"
    """`none`, `zero2` or `zero3`; deepspeed= chooses, with CPU offload too."""
    offload: bool = False
    """Keep optimizer states (ZeRO-3: weights too) in the CPU's memory."""
    global_tokens: int = 262_144
    """Tokens of one optimizer step, over all ranks and accumulated batches."""
    epochs: float = 2.0
    """Passes over the training rows."""
    learning_rate: float = 1e-5
    """Highest learning rate."""
    sft: dict[str, Any] = field(default_factory=dict)
    """More arguments of TRL's SFTConfig by name, such as {weight_decay: 0.1}; checked by name."""
    check: bool = False
    """Check everything, print the plan (steps, tokens, memory, time) and train nothing."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.global_tokens >= 1, f"global_tokens is {self.global_tokens}; it must be >= 1")
        require(self.epochs > 0, f"epochs is {self.epochs}; it must be > 0")
        require(self.learning_rate > 0, f"learning_rate is {self.learning_rate}; it must be > 0")
