"""The whole run as plain dataclasses: a section per stage, a unit under each field.

`cli.py` composes these from `conf/` with Hydra; nothing behind it knows Hydra. Checks that need two
fields, or a range, are in `__post_init__`, so a wrong value is one line before any work is done.
They are not frozen because Hydra cannot compose frozen ones; nothing may change them later.
"""

import json
from dataclasses import asdict, dataclass, field, is_dataclass
from enum import StrEnum
from typing import Any

from opencharacter.config.asking import (
    METHODS,
    AnswersConfig,
    FactCheck,
    GenerateConfig,
    LLMStageConfig,
    ProfilesConfig,
    RewriteConfig,
    SynthConfig,
)
from opencharacter.config.cluster import SlurmConfig
from opencharacter.config.filtering import (
    Activation,
    AxisConfig,
    Contamination,
    Direction,
    Spoken,
)
from opencharacter.config.judging import JudgeConfig, QualifyConfig
from opencharacter.config.mixing import ExportConfig, LintConfig, MixConfig, PopulationConfig
from opencharacter.config.model import Backend, ModelConfig, SamplingConfig
from opencharacter.config.planning import AssumeConfig, PlanConfig
from opencharacter.config.playing import (
    CONTROLS,
    EVERY,
    LossConfig,
    Mode,
    PlayConfig,
    SuiteConfig,
    SuiteName,
    UserTurns,
    Who,
)
from opencharacter.config.ranges import require
from opencharacter.config.reporting import CompareConfig, CompareSource, ReportConfig
from opencharacter.config.sources import (
    InstructionsConfig,
    NearDuplicates,
    Person,
    PersonasConfig,
    Stratify,
)
from opencharacter.config.tokenizing import (
    ControlText,
    Overlong,
    PlainConfig,
    Template,
    TokenizeConfig,
)
from opencharacter.config.training import (
    Gguf,
    HoldoutConfig,
    LoraConfig,
    Objective,
    Precision,
    Schedule,
    TrainConfig,
    Tuning,
)

__all__ = [
    "CONTROLS",
    "EVERY",
    "METHODS",
    "NOT_DATA",
    "ROLES",
    "Activation",
    "AnswersConfig",
    "AssumeConfig",
    "AxisConfig",
    "Backend",
    "CompareConfig",
    "CompareSource",
    "Config",
    "Contamination",
    "ControlText",
    "Direction",
    "ExportConfig",
    "FactCheck",
    "GenerateConfig",
    "Gguf",
    "HoldoutConfig",
    "InstructionsConfig",
    "JudgeConfig",
    "LLMStageConfig",
    "LintConfig",
    "LoraConfig",
    "LossConfig",
    "MixConfig",
    "Mode",
    "ModelConfig",
    "NearDuplicates",
    "Objective",
    "Overlong",
    "Person",
    "PersonasConfig",
    "PlainConfig",
    "PlanConfig",
    "PlayConfig",
    "PopulationConfig",
    "Precision",
    "ProfilesConfig",
    "QualifyConfig",
    "ReportConfig",
    "RewriteConfig",
    "SamplingConfig",
    "Schedule",
    "SlurmConfig",
    "Spoken",
    "Stratify",
    "SuiteConfig",
    "SuiteName",
    "SynthConfig",
    "Template",
    "TokenizeConfig",
    "Tracking",
    "TrainConfig",
    "Tuning",
    "UserTurns",
    "Who",
    "data_settings",
]


ROLES = ("teacher", "player", "user", "judge")
"""Sections that say which model plays a part."""


class Tracking(StrEnum):
    """Where metrics go."""

    none = "none"
    wandb = "wandb"


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
    preview: int = 0
    """Show the prompts, answers and records of so many pieces of work of a stage that asks a model,
    keep none of them, and stop there; the stages before it are done in full. 0 = do all of it."""
    dry_run: bool = False
    """With `slurm=cluster`: print what would be submitted, and submit nothing."""
    tracking: Tracking = Tracking.none
    """Where metrics go."""
    project: str = "opencharacter"
    """W&B project."""
    teacher: ModelConfig = field(default_factory=ModelConfig)
    player: ModelConfig = field(default_factory=ModelConfig)
    user: ModelConfig = field(default_factory=ModelConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    personas: PersonasConfig = field(default_factory=PersonasConfig)
    instructions: InstructionsConfig = field(default_factory=InstructionsConfig)
    profiles: ProfilesConfig = field(default_factory=ProfilesConfig)
    rewrite: RewriteConfig = field(default_factory=RewriteConfig)
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    synth: SynthConfig = field(default_factory=SynthConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    lint: LintConfig = field(default_factory=LintConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    tokenize: TokenizeConfig = field(default_factory=TokenizeConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    suite: SuiteConfig = field(default_factory=SuiteConfig)
    play: PlayConfig = field(default_factory=PlayConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    qualify: QualifyConfig = field(default_factory=QualifyConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    population: PopulationConfig = field(default_factory=PopulationConfig)
    plan: PlanConfig = field(default_factory=PlanConfig)
    slurm: SlurmConfig = field(default_factory=SlurmConfig)

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.parts is None or self.parts >= 1, f"parts is {self.parts}; it must be >= 1")
        if self.part is not None:
            require(self.parts is not None, f"part={self.part} needs parts=, the number of parts")
            require(
                0 <= self.part < (self.parts or 1),
                f"part is {self.part}; with parts={self.parts} it must be in [0, {self.parts})",
            )
            for role in ROLES:
                require(
                    getattr(self, role).data_parallel == 1,
                    f"part={self.part} is work for one process; set {role}.data_parallel=1",
                )
        require(
            not self.dry_run or self.slurm.submit,
            "dry_run=true shows what slurm=cluster would submit, and there is no slurm=; add "
            "slurm=cluster, or leave out dry_run",
        )
        require(self.preview >= 0, f"preview is {self.preview}; it must be >= 0")
        require(
            self.claim_timeout_s > 0,
            f"claim_timeout_s is {self.claim_timeout_s}; it must be > 0",
        )
        size = len(self.run.encode())
        require(size <= 255, f"run is {size} bytes long; a folder's name has at most 255")
        is_name = self.run not in ("", ".", "..") and "/" not in self.run and "\\" not in self.run
        require(is_name, f"run is '{self.run}'; it must be a plain folder name")

    @property
    def trains_player(self) -> bool:
        """Whether the model under test is what the same command trains before."""
        return self.stage == "all" and self.player.run == self.run

    @property
    def makes_mixture(self) -> bool:
        """Whether the same command makes the mixture after the synthesis."""
        return self.synth.mix or self.stage == "all"


NOT_DATA: dict[str, str] = {
    "run": "how a trained model is named; its folder and the hash of its files say which it is",
    "dtype": "how numbers are rounded: the last bits, like the batch",
    "tensor_parallel": "how many GPUs share the model",
    "data_parallel": "how many processes work",
    "seats": "how many requests run at once",
    "processes": "how many processes read",
    "memory": "how much the engine may use",
    "threads": "how much the engine may use",
    "cache_gib": "how much the engine may use",
    "base_url": "where the server is, not what it serves",
    "api_key_env": "who pays",
    "timeout_s": "how long to wait",
    "max_retries": "how often to try again after a passing fault",
    "patience_s": "how long to wait",
    "answers_as": "what the server calls the model, not which it is",
    "requests_per_minute": "how fast to ask",
    "tokens_per_minute": "how fast to ask",
    "budget_tokens": "when to stop, not what to make",
    "budget_usd": "when to stop, not what to make",
    "mix": "whether another stage follows in the same command",
    "follows": "whether other stages follow in the same command",
    "price_prompt": "what it costs",
    "price_cached": "what it costs",
    "price_output": "what it costs",
    "max_rejected": "when to fail, not what to make",
    "base_licence": "what the card of the model says, not what it learns",
    "page": "what is written beside the scores",
    "cache": "where answers are kept",
    "family": "what a headline may say of a judge",
    "same_family": "what a headline may say of a judge",
    "label_probabilities": "how a judge is asked; its stage names that among the versions",
    "precision": "how numbers are rounded: the last bits",
    "check": "whether anything is made",
    "device_tokens": "how much a device takes at once: the last bits",
    "attention": "which kernel: the last bits",
    "gradient_checkpointing": "memory against time",
    "deepspeed": "what of the training is kept where",
    "offload": "what of the training is kept where",
    "gguf": "another file of the same model",
    "llama_cpp": "where a tool is",
    "log_steps": "how often is told how far it is",
    "tokens_per_second": "what a plan reckons with",
    "show": "how many rows are printed",
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


def planned_settings(config: Config) -> dict[str, Any]:
    """Return the settings on which the numbers of a plan hang, as plain JSON."""
    sections = {
        "personas": config.personas,
        "instructions": config.instructions,
        "synth": config.synth,
        "profiles": config.profiles,
        "rewrite": config.rewrite,
        "generate": config.generate,
        "teacher": config.teacher,
    }
    return {name: data_settings(section) for name, section in sections.items()}
