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


class Precision(StrEnum):
    """Numbers of the forward and backward pass; weights and optimizer keep float32 or better."""

    auto = "auto"
    """bfloat16 where the hardware is fast at it, else float32."""
    bfloat16 = "bfloat16"
    float32 = "float32"


class Schedule(StrEnum):
    """How the learning rate falls after the warm-up."""

    cosine = "cosine"
    linear = "linear"
    constant = "constant"


class Gguf(StrEnum):
    """Numbers of a GGUF file, as llama.cpp calls them."""

    none = "none"
    """No such file."""
    f32 = "f32"
    f16 = "f16"
    bf16 = "bf16"
    q8_0 = "q8_0"
    """8 bits and a scale for 32 numbers."""
    q6_k = "q6_k"
    q5_k_m = "q5_k_m"
    q4_k_m = "q4_k_m"
    """About 4.8 bits a number."""
    q4_0 = "q4_0"


@dataclass(kw_only=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685), through PEFT."""

    rank: int = 64
    """Columns of an adapter's two matrices."""
    alpha: float = 128.0
    """Scale: the adapters' output is multiplied by alpha / rank."""
    dropout: float = 0.05
    """Share of an adapter's inputs that are left out at random while training."""
    targets: list[str] = field(default_factory=lambda: ["all-linear"])
    """Names of the modules that get adapters."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.rank >= 1, f"lora.rank is {self.rank}; it must be >= 1")
        require(self.alpha > 0, f"lora.alpha is {self.alpha}; it must be > 0")
        require(0 <= self.dropout < 1, f"lora.dropout is {self.dropout}; it must be in [0, 1)")
        require(bool(self.targets), "lora.targets is empty; name modules, or [all-linear]")


@dataclass(kw_only=True)
class HoldoutConfig:
    """What is never trained on, and what is measured on it while training.

    Whole characters and whole instructions, by a hash of their ids: whatever else is in a mixture,
    the same ones are held out with the same seed.
    """

    characters: float = 0.02
    """Share of the characters (near-duplicates together) of which nothing is trained on."""
    dialogues: float = 0.02
    """Share of the instructions that no character is trained on."""
    general: float = 0.05
    """Share of the general dialogues, without a character, kept back to see what is forgotten."""
    max_rows: int = 500
    """Dialogues of each kind that a validation looks at, at most; the others are not trained on
    either."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("characters", "dialogues", "general"):
            share = getattr(self, name)
            require(0 <= share < 1, f"holdout.{name} is {share}; it must be in [0, 1)")
        require(self.max_rows >= 1, f"holdout.max_rows is {self.max_rows}; it must be >= 1")


@dataclass(kw_only=True)
class TrainConfig:
    """A model trained on the tokens of a mixture."""

    model: str = "embedded_base"
    """Model that the training begins with: hub id, folder, or `embedded_base`, the small base."""
    revision: str | None = None
    """Commit or tag of a hub model; None = its newest."""
    base_licence: str | None = None
    """Licence of `model`, such as llama3; None = as the model's own card says."""
    objective: Objective = Objective.causal
    """What is learned: the next token of the assistant's turns, or a turn from those before it."""
    tuning: Tuning = Tuning.full
    """Which weights change: all, or low-rank adapters that are merged at the end."""
    lora: LoraConfig = field(default_factory=LoraConfig)
    added_tokens: list[str] = field(default_factory=list)
    """Tokens to add to the vocabulary; their embeddings begin as the mean of all others."""
    precision: Precision = Precision.auto
    """Numbers of the forward pass: bfloat16 where the hardware is fast at it, else float32."""
    attention: str = "auto"
    """Kernel of the attention; auto = flash_attention_2 on a GPU, sdpa on a CPU."""
    gradient_checkpointing: bool = True
    """Compute activations again in the backward pass: less memory, about a fifth slower."""
    deepspeed: str = "none"
    """`none`, `zero2` or `zero3`; deepspeed= chooses, with CPU offload too."""
    offload: bool = False
    """Keep optimizer states (ZeRO-3: weights too) in the CPU's memory."""
    packing: bool = True
    """Put several dialogues into one row, each with an attention of its own."""
    max_length: int = 4096
    """Tokens of a row; no dialogue may be longer. Of an encoder-decoder model: of what the encoder
    reads and the decoder says together."""
    device_tokens: int = 4096
    """Tokens that a device takes at once, as whole rows of `max_length`."""
    global_tokens: int = 262_144
    """Tokens of one optimizer step, over all ranks and accumulated batches."""
    epochs: float = 2.0
    """Passes over the training rows."""
    learning_rate: float = 1e-5
    """Highest learning rate."""
    schedule: Schedule = Schedule.cosine
    """How the learning rate falls after the warm-up."""
    final_rate: float = 0.1
    """Last learning rate, as a share of the highest."""
    warmup: float = 0.03
    """Share of the steps in which the learning rate rises."""
    validations: int = 1
    """Validations, with a checkpoint each, in one epoch; the best of them is kept."""
    holdout: HoldoutConfig = field(default_factory=HoldoutConfig)
    log_steps: int = 1
    """Optimizer steps from one line of metrics to the next."""
    sft: dict[str, Any] = field(default_factory=dict)
    """More arguments of TRL's SFTConfig by name, such as {weight_decay: 0.1}; checked by name."""
    gguf: Gguf = Gguf.none
    """Write the model as a GGUF file too, with such numbers; llama.cpp's converter does it."""
    llama_cpp: str | None = None
    """Folder of llama.cpp's sources; None = its converter is looked for on the PATH."""
    tokens_per_second: float | None = None
    """Tokens that one GPU trains on in a second, for the time in the plan of `check`; None = not
    known."""
    check: bool = False
    """Check everything, print the plan (steps, tokens, memory, time) and train nothing."""

    def __post_init__(self) -> None:
        """Check ranges."""
        self._check_deepspeed()
        self._check_objective()
        for name in ("max_length", "device_tokens", "global_tokens", "validations", "log_steps"):
            value = getattr(self, name)
            require(value >= 1, f"{name} is {value}; it must be >= 1")
        require(self.epochs > 0, f"epochs is {self.epochs}; it must be > 0")
        require(self.learning_rate > 0, f"learning_rate is {self.learning_rate}; it must be > 0")
        require(0 <= self.final_rate <= 1, f"final_rate is {self.final_rate}; not in [0, 1]")
        require(0 <= self.warmup < 1, f"warmup is {self.warmup}; it must be in [0, 1)")
        require(
            self.device_tokens >= self.max_length,
            f"device_tokens is {self.device_tokens}, less than a row of max_length="
            f"{self.max_length}; raise it",
        )
        require(
            self.tokens_per_second is None or self.tokens_per_second > 0,
            f"tokens_per_second is {self.tokens_per_second}; it must be > 0",
        )

    def _check_deepspeed(self) -> None:
        known = ("none", "zero2", "zero3")
        require(
            self.deepspeed in known,
            f"deepspeed is '{self.deepspeed}'; choose one of {', '.join(known)} with deepspeed=",
        )
        require(
            not self.offload or self.deepspeed != "none",
            "offload=true moves what DeepSpeed keeps, and there is none; add deepspeed=zero2 or "
            "deepspeed=zero3",
        )
        require(
            self.deepspeed != "zero3" or self.tuning is Tuning.full,
            "tuning=lora with deepspeed=zero3: adapters cannot be merged into weights that are cut "
            "up; use deepspeed=zero2, for adapters have small states",
        )

    def _check_objective(self) -> None:
        optimizer = str(self.sft.get("optim", ""))
        require(
            self.deepspeed == "none" or optimizer != "adafactor",
            f"deepspeed={self.deepspeed} with sft.optim=adafactor: ZeRO cuts weights into pieces "
            "without rows and columns, and Adafactor keeps a number for each row and column; use "
            "deepspeed=none, or another optimizer",
        )
        if self.objective is not Objective.seq2seq:
            return
        require(
            not self.packing,
            "packing=true with objective=seq2seq: in an encoder each dialogue would read the others"
            " of its row; set train.packing=false",
        )
        require(
            "flash" not in self.attention,
            f"attention={self.attention} with objective=seq2seq: T5 adds a bias to every pair of "
            "tokens, which flash kernels do not take; leave train.attention=auto",
        )
