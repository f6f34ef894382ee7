"""What is asked of a model under test, and how."""

from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.config.asking import LLMStageConfig
from opencharacter.config.model import SamplingConfig
from opencharacter.config.ranges import require
from opencharacter.records import Control

CONTROLS = tuple(str(control) for control in Control)
EVERY = "all"
"""In place of controls: each that changes something of the suite."""


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
    """Those of the mixture, but for those that the run's training held out of it."""
    heldout = "heldout"
    """Those that were kept out of it; it is seen to that they were."""


class UserTurns(StrEnum):
    """Who makes up what a user says."""

    scripted = "scripted"
    """Scripts of eval/: every system is told the same."""
    model = "model"
    """The model of llm@user, which goes on from what it is told; probes stay as they are."""


class Mode(StrEnum):
    """By whose rules a suite is judged. It is played alike; a run is played for one of them."""

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
    """Personas; None = all. Of `persona_gym` the first by name; of a run's characters a draw, of
    which a smaller one is part."""
    run: str | None = None
    """Run whose characters and mixture it is about; None = this one. So a base model is asked what
    a trained one was: run=base suite.run=main."""
    who: Who = Who.all
    """Which of its characters, where the suite does not say."""
    items: int = 5
    """Instructions, scripts or pairs for each character."""
    user: UserTurns = UserTurns.scripted
    """Who says what the user of `multi_turn` says between the probes: `scripted`, or a `model`."""
    turns: int = 8
    """User turns of a dialogue whose user is a model, 6 to 10; its turns 1, 4 and 8 are probes."""
    margin: float = 1.0
    """Least difference of two ratings that makes them a pair, in the ratings' points."""
    questions: int = 10
    """Questions of each task in a file of PersonaGym's: 10, in its Light version 1."""
    light: bool = False
    """Only the first question of each task (PersonaGym-Light)."""
    lm_eval: list[str] = field(default_factory=list)
    """Tasks of lm-evaluation-harness that are run before, such as [ifeval, gsm8k]; with `retention`
    and a model in this process. It must be installed."""
    lm_eval_options: list[str] = field(default_factory=list)
    """Further words of its command line, such as `["--include_path=DIR"]` for tasks of your own, or
    `[--apply_chat_template]`; of two that name the same the last counts."""
    mode: Mode = Mode.sound
    """By whose rules it is judged."""
    seed: int = 0
    """Of draws of personas and questions, apart from the run's: all models get the same ones."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.n is None or self.n >= 1, f"suite.n is {self.n}; it must be >= 1")
        require(self.items >= 1, f"suite.items is {self.items}; it must be >= 1")
        require(
            not self.lm_eval or self.name is SuiteName.retention,
            f"suite.lm_eval=[{', '.join(self.lm_eval)}] goes with suite=retention, not {self.name}",
        )
        require(
            bool(self.lm_eval) or not self.lm_eval_options,
            f"suite.lm_eval_options=[{', '.join(self.lm_eval_options)}] goes with suite.lm_eval, "
            "which names no task",
        )
        require(
            self.mode is Mode.sound or self.name is SuiteName.persona_gym,
            f"suite.mode={self.mode} is PersonaGym's own protocol and goes with suite=persona_gym, "
            f"not {self.name}; leave it out",
        )
        is_talk = self.name is SuiteName.multi_turn or self.user is UserTurns.scripted
        require(is_talk, f"suite.user={self.user} goes with suite=multi_turn, not {self.name}")
        require(6 <= self.turns <= 10, f"suite.turns is {self.turns}; it must be in [6, 10]")
        require(self.margin > 0, f"suite.margin is {self.margin}; it must be > 0")
        require(self.questions >= 1, f"suite.questions is {self.questions}; it must be >= 1")


@dataclass(kw_only=True)
class LossConfig:
    """Of which answers the loss is measured; nothing is drawn."""

    path: str = ""
    """General dialogues with an answer to every question: a file or folder (.json, .jsonl,
    .parquet) or `hub:owner/name`, in any layout that instructions.paths takes. Empty = the
    project's own (eval/suites/general_answers.jsonl)."""
    run: str | None = None
    """Run whose training held general dialogues out (train.holdout.general): these, in place of
    `path`. So any model is measured on what that training was measured on."""
    n: int | None = None
    """How many of them, drawn by a hash of each; None = all."""
    retries: int = 3
    """Further attempts after a fault of the engine."""
    max_rejected: float = 0.2
    """Largest share of dialogues that cannot be measured; above it the stage fails at its end, in
    [0, 1]."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.retries >= 0, f"loss.retries is {self.retries}; it must be >= 0")
        require(
            0 <= self.max_rejected <= 1,
            f"loss.max_rejected is {self.max_rejected}; it must be in [0, 1]",
        )
        require(self.n is None or self.n >= 1, f"loss.n is {self.n}; it must be >= 1")
        require(
            not (self.path and self.run),
            f"loss.path={self.path} and loss.run={self.run} are both set; leave one of them out",
        )


@dataclass(kw_only=True)
class AnswersSamplingConfig(SamplingConfig):
    """How answers under test are drawn: as OpenCharacter's evaluation does it."""

    temperature: float = 0.9
    """0 = greedy."""
    top_p: float = 1.0
    """Share of probability mass kept, in (0, 1]."""
    min_p: float = 0.0
    """A token less likely than this share of the likeliest one is never drawn; 0 = off."""


@dataclass(kw_only=True)
class UserSamplingConfig(SamplingConfig):
    """How a model that plays the user speaks."""

    temperature: float = 0.7
    """0 = greedy."""
    max_tokens: int = 128
    """Longest turn, in tokens: a user who writes more is no user."""


@dataclass(kw_only=True)
class PlayConfig(LLMStageConfig):
    """How a model under test is asked."""

    sampling: AnswersSamplingConfig = field(default_factory=AnswersSamplingConfig)
    retries: int = 3
    """Further attempts, with the same seed, after a fault of engine or server. An answer that is no
    good is never asked for again: it is what the model does."""
    max_rejected: float = 0.2
    """Largest share of the characters that were drawn (or rows, or instructions, where a suite has
    many for each) that may be damaged; above it nothing is played, in [0, 1]."""
    user_sampling: UserSamplingConfig = field(default_factory=UserSamplingConfig)
    """Of the user's turns with suite.user=model."""
    user_retries: int = 2
    """Further attempts, each with a seed of its own, at a user's turn that cannot be used; then the
    dialogue ends, and what would have come is missing: it is no fault of the model under test."""
    follows: bool = False
    """Let stage=all go on to play, judge and report of the model that it has trained."""
    samples: int = 1
    """Times that each item is played, each with its own seed."""
    controls: list[str] = field(default_factory=lambda: ["none"])
    """What is changed of the system prompt, each in a pass of its own: `none`, `no_persona` (no
    system prompt), `swapped_persona` (another's of the suite), `persona_only` (without profile);
    `[all]` = each that changes something of the suite."""

    def __post_init__(self) -> None:
        """Check ranges and controls."""
        LLMStageConfig.__post_init__(self)
        require(
            self.user_retries >= 0, f"play.user_retries is {self.user_retries}; it must be >= 0"
        )
        require(self.samples >= 1, f"play.samples is {self.samples}; it must be >= 1")
        listed = ", ".join(self.controls)
        require(
            self.controls == [EVERY] or (bool(self.controls) and set(self.controls) <= {*CONTROLS}),
            f"play.controls is [{listed}]; choose from [{', '.join(CONTROLS)}], or [{EVERY}]",
        )
        require(
            len(set(self.controls)) == len(self.controls),
            f"play.controls is [{listed}]; name each control once",
        )
