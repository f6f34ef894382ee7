"""What is asked of a model under test, and how."""

from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.config.asking import LLMStageConfig
from opencharacter.config.model import SamplingConfig
from opencharacter.config.ranges import require
from opencharacter.records import Control

CONTROLS = tuple(str(control) for control in Control)


class SuiteName(StrEnum):
    """Which questions are asked."""

    persona_gym = "persona_gym"
    """PersonaGym's question files (arXiv 2407.18416)."""
    in_domain = "in_domain"
    """Instructions that a character of the mixture did not meet in it."""
    out_of_domain = "out_of_domain"
    """Instructions to held-out characters, of whom the mixture has no near-duplicate either."""
    profile_facts = "profile_facts"
    """Questions about what stands in a profile, scored by rule."""
    multi_turn = "multi_turn"
    """Eight turns and more; facts are asked for at turns 1, 4 and 8, with pressure between."""
    preference_probe = "preference_probe"
    """Choices between two things that a real person has rated, held against the ratings."""
    role_bench = "role_bench"
    """RoleBench (arXiv 2310.00746): questions to roles, with ROUGE-L to its answers."""
    character_eval = "character_eval"
    """CharacterEval (arXiv 2401.01275): Chinese dialogues to go on with; its reward model is not
    ours."""
    coser = "coser"
    """CoSER's scenes (arXiv 2502.09082): a character's next line; its simulation is not ours."""
    rp_bench = "rp_bench"
    """RPBench-Auto's characters, with users of our own; its duels with GPT-4o are not ours."""
    retention = "retention"
    """General questions without any character, scored by rule: what a training has cost."""


class Who(StrEnum):
    """Which characters of a run are asked."""

    all = "all"
    trained = "trained"
    """Those of the mixture."""
    heldout = "heldout"
    """Those that were kept out of it; it is seen to that they were."""


class Mode(StrEnum):
    """By whose rules a suite is played and judged."""

    sound = "sound"
    """Ours; see docs/evaluation.md for what it mends."""
    compat = "compat"
    """As the published code does it, faults included, so that published numbers can be met."""


@dataclass(kw_only=True)
class SuiteConfig:
    """The questions; suite= chooses."""

    name: SuiteName = SuiteName.persona_gym
    """Which suite; suite= sets it with what belongs to it."""
    path: str = ""
    """Folder or file of its data, where the project does not bring them."""
    profiles: str = ""
    """File of descriptions, `{name: text}`, where a suite keeps them apart: desc.json of RoleBench,
    character_profiles.json of CharacterEval."""
    n: int | None = None
    """Personas; None = all. `compat`: the first by name, else a draw of which a smaller is part."""
    run: str | None = None
    """Run whose characters and mixture it is about; None = this one. So a base model is asked what
    a trained one was: run=base suite.run=main."""
    who: Who = Who.all
    """Which of its characters, where the suite does not say."""
    items: int = 5
    """Instructions, scripts or pairs for each character."""
    margin: float = 1.0
    """Least difference of two ratings that makes them a pair, in the ratings' points."""
    questions: int = 10
    """Questions of each task in a file of PersonaGym's: 10, in its Light version 1."""
    light: bool = False
    """One question of each task: in `compat` the first (PersonaGym-Light), else one drawn."""
    mode: Mode = Mode.sound
    """By whose rules it is played and judged."""
    seed: int = 0
    """Of draws of personas and questions, apart from the run's: all models get the same ones."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.n is None or self.n >= 1, f"suite.n is {self.n}; it must be >= 1")
        require(self.items >= 1, f"suite.items is {self.items}; it must be >= 1")
        require(self.margin > 0, f"suite.margin is {self.margin}; it must be > 0")
        require(self.questions >= 1, f"suite.questions is {self.questions}; it must be >= 1")


@dataclass(kw_only=True)
class PlayConfig(LLMStageConfig):
    """How a model under test is asked."""

    sampling: SamplingConfig = field(
        default_factory=lambda: SamplingConfig(temperature=0.9, top_p=1.0, min_p=0.0)
    )
    retries: int = 3
    """Further attempts, with the same seed, after a fault of engine or server. An answer that is no
    good is never asked for again: it is what the model does."""
    samples: int = 1
    """Times that each item is played, each with its own seed."""
    controls: list[str] = field(default_factory=lambda: ["none"])
    """What is changed of the system prompt, each in a pass of its own: `none`, `no_persona` (no
    system prompt), `swapped_persona` (another's of the suite), `persona_only` (without profile)."""

    def __post_init__(self) -> None:
        """Check ranges and controls."""
        LLMStageConfig.__post_init__(self)
        require(self.samples >= 1, f"play.samples is {self.samples}; it must be >= 1")
        listed = ", ".join(self.controls)
        require(
            bool(self.controls) and set(self.controls) <= {*CONTROLS},
            f"play.controls is [{listed}]; choose from [{', '.join(CONTROLS)}]",
        )
        require(
            len(set(self.controls)) == len(self.controls),
            f"play.controls is [{listed}]; name each control once",
        )
