"""The stages that ask a model."""

from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.config.model import SamplingConfig
from opencharacter.config.ranges import require
from opencharacter.records import Method

METHODS = frozenset({Method.rewrite, Method.generate})
"""Those by which responses can be made."""


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
        require(self.retries >= 0, f"retries is {self.retries}; it must be >= 0")
        require(
            0 <= self.max_rejected <= 1,
            f"max_rejected is {self.max_rejected}; it must be in [0, 1]",
        )


@dataclass(kw_only=True)
class ProfilesConfig(LLMStageConfig):
    """From personas to characters."""

    name_hints: int = 5
    """Names offered in each prompt, drawn anew for each persona; 0 = the model chooses alone, and
    names collapse: models fall back on a handful."""
    exclude_names: list[str] = field(default_factory=list)
    """Names that no character may have, such as [Sarah, Elara Voss]: one word stands for a first or
    last name, several for a full name. They are not offered; an answer with one is asked again."""
    exclude_names_path: str = ""
    """A text file with more of them, one a line; empty = none."""
    as_json: bool = True
    """True: JSON steered by the schema. False: free text with a heading per field, parsed."""


class FactCheck(StrEnum):
    """What becomes of a dialogue of which the teacher says that it contradicts the profile."""

    none = "none"
    """Nobody asks the teacher."""
    mark = "mark"
    reject = "reject"


@dataclass(kw_only=True)
class AnswersConfig(LLMStageConfig):
    """What the stages that write dialogues have in common."""

    reject: list[str] = field(
        default_factory=lambda: [
            "replacement_character",
            "template_residue",
            "breaks_character",
            "copies_question",
            "prompt_leak",
            "placeholder",
            "repetition",
            "speaks_for_user",
            "contradicts_profile",
            "cut_off",
            "copies_reference",
        ]
    )
    """Checks that reject an answer; the others only leave their name in the record's `marks`.
    `empty` and `control_tokens` always reject; language_switch and assistant_voice are to be had
    too."""
    fact_check: FactCheck = FactCheck.none
    """Let the teacher read every whole dialogue again, one more call, for what contradicts persona
    or profile: mark or reject as `contradicts_profile_by_llm`. It judges its own work."""
    fact_check_tokens: int = 512
    """Longest verdict, in tokens."""

    def __post_init__(self) -> None:
        """Check ranges."""
        LLMStageConfig.__post_init__(self)
        require(
            self.fact_check_tokens >= 1,
            f"fact_check_tokens is {self.fact_check_tokens}; it must be >= 1",
        )


@dataclass(kw_only=True)
class RewriteConfig(AnswersConfig):
    """OpenCharacter-R."""

    min_kept: float = 0.5
    """Least share of the reference's facts (numbers, names, long words) found in the rewrite."""
    max_rejected: float = 0.5
    """As in other stages; more, since knowledge is lost by small models before all else."""

    def __post_init__(self) -> None:
        """Check ranges."""
        AnswersConfig.__post_init__(self)
        require(
            0 <= self.min_kept <= 1, f"rewrite.min_kept is {self.min_kept}; it must be in [0, 1]"
        )


@dataclass(kw_only=True)
class GenerateConfig(AnswersConfig):
    """OpenCharacter-G."""


@dataclass(kw_only=True)
class SynthConfig:
    """Which characters meet which instructions, and how they are answered."""

    n_characters: int = 3
    """Distinct characters per instruction (the paper: 3)."""
    pool: int | None = None
    """Characters who answer at all, drawn by the seed; a smaller pool is part of a larger one.
    None = all that are not held out (the paper: 20,000)."""
    methods: list[str] = field(default_factory=lambda: ["generate"])
    """`rewrite`, `generate`, or both."""
    mix: bool = False
    """Make the mixture too, in the same command."""

    def __post_init__(self) -> None:
        """Check ranges and methods."""
        require(
            self.n_characters >= 1, f"synth.n_characters is {self.n_characters}; it must be >= 1"
        )
        require(
            self.pool is None or self.pool >= self.n_characters,
            f"synth.pool is {self.pool}, fewer than the synth.n_characters={self.n_characters} of "
            "an instruction",
        )
        require(
            bool(self.methods) and set(self.methods) <= METHODS,
            f"synth.methods is [{', '.join(self.methods)}]; choose from [rewrite, generate]",
        )
