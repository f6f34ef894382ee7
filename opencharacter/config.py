"""The whole run as plain dataclasses: a section per stage, a unit under each field.

`cli.py` composes these from `conf/` with Hydra; nothing behind it knows Hydra. Checks that need two
fields, or a range, are in `__post_init__`, so a wrong value is one line before any work is done.
They are not frozen because Hydra cannot compose frozen ones; nothing may change them later.
"""

import json
from dataclasses import asdict, dataclass, field, is_dataclass
from enum import StrEnum
from typing import Any

from opencharacter.errors import ConfigError
from opencharacter.records import Method


class Tracking(StrEnum):
    """Where metrics go."""

    none = "none"
    wandb = "wandb"


class Backend(StrEnum):
    """What runs a model."""

    vllm = "vllm"
    """The vLLM engine in this process."""
    endpoint = "endpoint"
    """An OpenAI-compatible server."""
    scripted = "scripted"
    """Replies made up from the request itself: tests and dry runs only, never a default."""


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)


@dataclass(kw_only=True)
class SamplingConfig:
    """How tokens are drawn."""

    temperature: float = 0.6
    """0 = greedy."""
    top_p: float = 0.95
    """Share of probability mass kept, in (0, 1]."""
    min_p: float = 0.05
    """A token less likely than this share of the likeliest one is never drawn (arXiv 2407.01082);
    0 = off. In the vLLM of this process; a server has its own ways."""
    max_tokens: int = 1024
    """Longest answer, in tokens; an answer cut off there is a failure, not text."""
    max_repeats: int = 16
    """Stop an answer whose end says the same (at most 16 tokens) so many times over: it would go
    round until max_tokens. 0 = never. In the vLLM of this process; a server has its own ways."""

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(self.temperature >= 0, f"temperature is {self.temperature}; it must be >= 0")
        _require(0 < self.top_p <= 1, f"top_p is {self.top_p}; it must be in (0, 1]")
        _require(0 <= self.min_p < 1, f"min_p is {self.min_p}; it must be in [0, 1)")
        _require(self.max_tokens >= 1, f"max_tokens is {self.max_tokens}; it must be >= 1")
        _require(
            self.max_repeats == 0 or self.max_repeats >= 2,
            f"max_repeats is {self.max_repeats}; it must be 0 or >= 2",
        )


@dataclass(kw_only=True)
class ModelConfig:
    """One model: what it is, and what the engine may use."""

    backend: Backend = Backend.vllm
    model: str = "embedded"
    """Hub id, folder, or `embedded`: the small model inside the package."""
    revision: str | None = None
    """Commit or tag on the hub; None = whatever the hub holds now, recorded as `main`."""
    dtype: str = "auto"
    """`bfloat16`, `float16`, `float32`; `auto` = bfloat16 where the hardware multiplies it, which
    CPUs without AVX512-BF16 or AMX do a hundred times more slowly than float32."""
    tensor_parallel: int = 1
    """GPUs that share one copy of the model."""
    data_parallel: int = 1
    """Copies, as processes of this machine that claim parts; each gets its own GPUs."""
    max_length: int = 8192
    """Prompt and answer together, in tokens."""
    seats: int = 256
    """Requests the engine runs at once; about 1.25 times as many are kept in flight."""
    memory: float = 0.9
    """Share of GPU memory for the engine, in (0, 1]; on the CPU see `cache_gib`."""
    threads: int | None = None
    """CPU threads of the engine, left unbound; None = vLLM's choice: all cores, bound to them,
    which is best for large models on an idle machine and ruinous on a busy one."""
    cache_gib: int = 1
    """Key-value cache on the CPU, in GiB."""
    seed: int = 0
    """Of the engine; requests carry seeds of their own."""
    base_url: str | None = None
    """Of the server, ending in `/v1`; `endpoint` only."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; `endpoint` only."""
    timeout_s: float = 600.0
    """Longest wait for one answer; `endpoint` only."""
    max_retries: int = 8
    """Tries after a passing fault (429, 5xx, cut connection) of one request; `endpoint` only."""
    structured_output: bool = True
    """False for servers that cannot steer by a JSON schema: answers are then only checked."""

    def __post_init__(self) -> None:
        """Check ranges and that the back end has what it needs."""
        _require(bool(self.model), "teacher.model must be given: a hub id, a folder, or `embedded`")
        for name in ("tensor_parallel", "data_parallel", "seats", "max_length", "cache_gib"):
            value = getattr(self, name)
            _require(value >= 1, f"{name} is {value}; it must be >= 1")
        _require(
            self.threads is None or self.threads >= 1,
            f"threads is {self.threads}; it must be >= 1",
        )
        _require(0 < self.memory <= 1, f"memory is {self.memory}; it must be in (0, 1]")
        _require(self.timeout_s > 0, f"timeout_s is {self.timeout_s}; it must be > 0")
        _require(self.max_retries >= 0, f"max_retries is {self.max_retries}; it must be >= 0")
        copies_a_server = self.backend is Backend.endpoint and self.data_parallel > 1
        _require(not copies_a_server, "data_parallel copies a vLLM model; a server has its own")
        missing_url = self.backend is Backend.endpoint and not self.base_url
        _require(not missing_url, "an endpoint needs a base_url, such as http://localhost:8000/v1")


@dataclass(kw_only=True)
class PersonasConfig:
    """Where personas come from, and which are kept."""

    path: str = "embedded"
    """`embedded`, a file or folder (.jsonl, .json, .txt, .parquet), or a hub data set:
    `hub:owner/name[:config][@revision]`."""
    hub_config: str | None = None
    """Configuration of the hub data set."""
    revision: str | None = None
    """Of the hub data set; pin it."""
    column: str | None = None
    """Column of the text; None = the first known of `persona`, `input persona`, `text`."""
    licence: str = "unknown"
    """Licence of the source; every row carries it."""
    n: int | None = None
    """How many to keep, held-out ones included; None = all."""
    heldout: float = 0.05
    """Share never trained on, in [0, 1); chosen by a hash of the text."""
    max_chars: int = 2000
    """A longer persona is rejected."""

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(bool(self.path), "personas.path must be given: a file, a folder or hub:owner/name")
        _require(self.n is None or self.n >= 1, f"personas.n is {self.n}; it must be >= 1")
        _require(0 <= self.heldout < 1, f"personas.heldout is {self.heldout}; it must be in [0, 1)")
        _require(self.max_chars >= 1, f"personas.max_chars is {self.max_chars}; it must be >= 1")


@dataclass(kw_only=True)
class InstructionsConfig:
    """Where instructions come from, and how many are kept."""

    paths: list[str] = field(default_factory=lambda: ["embedded"])
    """Each `embedded`, a file or folder (.json, .jsonl, .parquet), or a hub data set:
    `hub:owner/name[:config][@revision]`."""
    licences: list[str] = field(default_factory=list)
    """One per path, in the same order; empty = unknown."""
    n: int | None = None
    """How many to keep of all sources together; None = all."""
    max_chars: int = 20_000
    """An instruction whose turns and references are longer together is rejected."""

    def __post_init__(self) -> None:
        """Check ranges and that licences match paths."""
        _require(self.n is None or self.n >= 1, f"instructions.n is {self.n}; it must be >= 1")
        _require(bool(self.paths), "instructions.paths is empty; name at least one source")
        _require(
            not self.licences or len(self.licences) == len(self.paths),
            f"instructions.licences has {len(self.licences)} entries for {len(self.paths)} paths",
        )


@dataclass(kw_only=True)
class LLMStageConfig:
    """What every stage that asks a model has in common."""

    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    retries: int = 3
    """Further attempts, each with a new seed, after an answer that cannot be used."""
    max_rejected: float = 0.2
    """Largest share of rejected rows; above it the stage fails at its end, in [0, 1]."""

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(self.retries >= 0, f"retries is {self.retries}; it must be >= 0")
        _require(
            0 <= self.max_rejected <= 1,
            f"max_rejected is {self.max_rejected}; it must be in [0, 1]",
        )


@dataclass(kw_only=True)
class ProfilesConfig(LLMStageConfig):
    """From personas to characters."""

    name_hints: int = 5
    """Names offered in each prompt, drawn anew for each persona; 0 = the model chooses alone, and
    names collapse: models fall back on a handful."""
    as_json: bool = True
    """True: JSON steered by the schema. False: free text with a heading per field, parsed."""


@dataclass(kw_only=True)
class RewriteConfig(LLMStageConfig):
    """OpenCharacter-R."""

    min_kept: float = 0.5
    """Least share of the reference's facts (numbers, names, long words) found in the rewrite."""
    max_rejected: float = 0.5
    """As in other stages; more, since knowledge is lost by small models before all else."""

    def __post_init__(self) -> None:
        """Check ranges."""
        LLMStageConfig.__post_init__(self)
        _require(
            0 <= self.min_kept <= 1, f"rewrite.min_kept is {self.min_kept}; it must be in [0, 1]"
        )


@dataclass(kw_only=True)
class GenerateConfig(LLMStageConfig):
    """OpenCharacter-G."""


@dataclass(kw_only=True)
class SynthConfig:
    """Which characters meet which instructions, and how they are answered."""

    n_characters: int = 3
    """Distinct characters per instruction (the paper: 3)."""
    methods: list[Method] = field(default_factory=lambda: [Method.generate])
    """`rewrite`, `generate`, or both."""

    def __post_init__(self) -> None:
        """Check ranges and methods."""
        _require(
            self.n_characters >= 1, f"synth.n_characters is {self.n_characters}; it must be >= 1"
        )
        possible = {Method.rewrite, Method.generate}
        _require(
            bool(self.methods) and set(self.methods) <= possible,
            f"synth.methods is {[str(m) for m in self.methods]}; choose from [rewrite, generate]",
        )


@dataclass(kw_only=True)
class MixConfig:
    """An SFT mixture out of responses."""

    n_characters: int | None = None
    """Characters kept per instruction; a smaller one is a subset of a larger one. None = all."""
    methods: list[Method] = field(default_factory=list)
    """Methods that enter; empty = all that were made."""
    shares: dict[str, float] = field(default_factory=dict)
    """Share of rows by source, such as {lima_format: 0.3}; sources left out share the rest."""
    caps: dict[str, int] = field(default_factory=dict)
    """Most rows by source."""
    n: int | None = None
    """Rows in all; None = as many as shares and caps allow."""
    system_prompt: str = "both"
    """What the system prompt shows: `persona`, `profile` or `both`."""

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(
            self.n_characters is None or self.n_characters >= 1,
            f"mix.n_characters is {self.n_characters}; it must be >= 1",
        )
        _require(self.n is None or self.n >= 1, f"mix.n is {self.n}; it must be >= 1")
        total = sum(self.shares.values())
        _require(
            all(share >= 0 for share in self.shares.values()) and total <= 1 + 1e-9,
            f"mix.shares add up to {total}; each must be >= 0 and all together at most 1",
        )
        _require(
            self.system_prompt in ("persona", "profile", "both"),
            f"mix.system_prompt is '{self.system_prompt}'; choose persona, profile or both",
        )


@dataclass(kw_only=True)
class Config:
    """One run."""

    stage: str = "???"
    """What to do; `--help` lists the stages."""
    run: str = "main"
    """Name of the run: its folder, and its W&B group."""
    runs_dir: str = "runs"
    """Where runs are kept."""
    seed: int = 0
    """Every draw and every request's seed hang on it."""
    parts: int | None = None
    """Pieces a stage's work is cut into; None = by size. More parts than processes."""
    part: int | None = None
    """Do just this part, from 0; None = claim one after another."""
    force: bool = False
    """Start the stage over; answers whose request is unchanged come from the log."""
    claim_timeout_s: float = 120.0
    """A claim without a heartbeat for so long is free again."""
    tracking: Tracking = Tracking.none
    project: str = "opencharacter"
    """W&B project."""
    teacher: ModelConfig = field(default_factory=ModelConfig)
    personas: PersonasConfig = field(default_factory=PersonasConfig)
    instructions: InstructionsConfig = field(default_factory=InstructionsConfig)
    profiles: ProfilesConfig = field(default_factory=ProfilesConfig)
    rewrite: RewriteConfig = field(default_factory=RewriteConfig)
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    synth: SynthConfig = field(default_factory=SynthConfig)
    mix: MixConfig = field(default_factory=MixConfig)

    def __post_init__(self) -> None:
        """Check ranges."""
        _require(self.parts is None or self.parts >= 1, f"parts is {self.parts}; it must be >= 1")
        if self.part is not None:
            _require(self.parts is not None, f"part={self.part} needs parts=, the number of parts")
            _require(
                0 <= self.part < (self.parts or 1),
                f"part is {self.part}; with parts={self.parts} it must be in [0, {self.parts})",
            )
            _require(
                self.teacher.data_parallel == 1,
                f"part={self.part} is work for one process; set teacher.data_parallel=1",
            )
        _require(
            self.claim_timeout_s > 0,
            f"claim_timeout_s is {self.claim_timeout_s}; it must be > 0",
        )
        is_name = self.run not in ("", ".", "..") and "/" not in self.run and "\\" not in self.run
        _require(is_name, f"run is '{self.run}'; it must be a plain folder name")


NOT_DATA: dict[str, str] = {
    "dtype": "how numbers are rounded: the last bits, like the batch",
    "tensor_parallel": "how many GPUs share the model",
    "data_parallel": "how many processes work",
    "seats": "how many requests run at once",
    "memory": "how much the engine may use",
    "threads": "how much the engine may use",
    "cache_gib": "how much the engine may use",
    "base_url": "where the server is, not what it serves",
    "api_key_env": "who pays",
    "timeout_s": "how long to wait",
    "max_retries": "how often to try again after a passing fault",
    "max_rejected": "when to fail, not what to make",
}
"""Settings that change cost or speed and never what is asked or kept, each with the reason.

Everything else is part of a stage's fingerprint: changing it makes what is on disk stale.
"""


def data_settings(section: object) -> dict[str, Any]:
    """Return the settings of a section that decide what is asked and kept, as plain JSON."""
    if not is_dataclass(section) or isinstance(section, type):
        raise TypeError(f"{section!r} is no section of the configuration")
    kept = {name: value for name, value in asdict(section).items() if name not in NOT_DATA}
    plain: dict[str, Any] = json.loads(json.dumps(kept))
    return plain
