"""What is made of the responses, and of anybody's."""

import re
from dataclasses import dataclass, field

from opencharacter.config.asking import METHODS
from opencharacter.config.filtering import AxisConfig, Contamination, check_axes
from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class MixConfig:
    """An SFT mixture out of responses."""

    n_characters: int | None = None
    """Characters kept per instruction; a smaller one is a subset of a larger one. None = all."""
    methods: list[str] = field(default_factory=list)
    """Methods that enter, `rewrite` or `generate`; empty = all that were made."""
    shares: dict[str, float] = field(default_factory=dict)
    """Share of rows by source, such as {lima_format: 0.3}; sources left out share the rest."""
    method_shares: dict[str, float] = field(default_factory=dict)
    """Share of rows by method, such as {rewrite: 0.5}; methods left out share the rest. The rows of
    each method then have `shares` and `multi_turn` by themselves."""
    multi_turn: float | None = None
    """Share of rows with more than one user turn, in [0, 1]; None = as they come."""
    caps: dict[str, int] = field(default_factory=dict)
    """Most rows by source."""
    n: int | None = None
    """Rows out of responses; None = as many as shares and caps allow. Replayed ones come on top."""
    per_character: int | None = None
    """Most rows of one character; None = no limit."""
    replay_paths: list[str] = field(default_factory=list)
    """General instruction data with answers, mixed in without a character against forgetting: what
    `instructions.paths` takes."""
    replay_licences: list[str] = field(default_factory=list)
    """One per path, in the same order; empty = unknown."""
    replay_share: float = 0.1
    """Share of the mixture's rows that are replayed, in [0, 1); only with `replay_paths`."""
    system_prompt: str = "both"
    """What the system prompt shows: `persona`, `profile` or `both`."""
    axes: dict[str, AxisConfig] = field(default_factory=dict)
    """Scores by name, such as {toxicity: {model: folder, label: toxic, threshold: 0.5}}; axis= has
    some ready."""
    system_prompts: dict[str, float] = field(default_factory=dict)
    """Several of them instead, with weights, such as {persona: 1, both: 3}: each row draws one by a
    hash of seed and row, so shares are met about, not to the row. Empty = `system_prompt` alone."""
    near_duplicates: float | None = 0.8
    """Rows whose answers share so much of their runs of three words (Jaccard, in [0.5, 1]) with the
    answers of a row that stays are rejected; None = nobody looks."""
    seed: int | None = None
    """Of the mixture alone: which rows enter, and their system prompts; None = the run's."""
    suites: list[str] = field(default_factory=lambda: ["eval"])
    """Evaluation suites that no row may overlap with: files or folders (.jsonl, .json, .parquet);
    `eval` = those of the project."""
    contamination: Contamination = Contamination.reject
    """What becomes of a row that overlaps with a suite."""
    overlap_words: int = 13
    """Words in a row that a text shares with a suite's to overlap with it (GPT-3: 13); a suite's
    text that is shorter counts whole."""
    persona_overlap: float = 0.8
    """Share of words (Jaccard) from which on a persona is one of a suite's, in (0, 1]."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_axes(self.axes)
        require(
            self.overlap_words >= 8, f"mix.overlap_words is {self.overlap_words}; it must be >= 8"
        )
        require(
            0 < self.persona_overlap <= 1,
            f"mix.persona_overlap is {self.persona_overlap}; it must be in (0, 1]",
        )
        require(
            self.near_duplicates is None or 0.5 <= self.near_duplicates <= 1,
            f"mix.near_duplicates is {self.near_duplicates}; it must be in [0.5, 1]",
        )
        require(
            self.n_characters is None or self.n_characters >= 1,
            f"mix.n_characters is {self.n_characters}; it must be >= 1",
        )
        require(
            set(self.methods) <= METHODS,
            f"mix.methods is [{', '.join(self.methods)}]; choose from [rewrite, generate]",
        )
        require(self.n is None or self.n >= 1, f"mix.n is {self.n}; it must be >= 1")
        require(
            self.per_character is None or self.per_character >= 1,
            f"mix.per_character is {self.per_character}; it must be >= 1",
        )
        require(
            not self.replay_licences or len(self.replay_licences) == len(self.replay_paths),
            f"mix.replay_licences has {len(self.replay_licences)} entries for "
            f"{len(self.replay_paths)} paths",
        )
        require(
            0 <= self.replay_share < 1,
            f"mix.replay_share is {self.replay_share}; it must be in [0, 1)",
        )
        self._check_shares()
        for shown in (self.system_prompt, *self.system_prompts):
            require(
                shown in ("persona", "profile", "both"),
                f"mix.system_prompt is '{shown}'; choose persona, profile or both",
            )
        weights = self.system_prompts.values()
        require(
            not weights or (min(weights) >= 0 and 0 < sum(weights) < float("inf")),
            f"mix.system_prompts weigh {', '.join(map(str, weights))}; each must be >= 0 and one "
            "above",
        )

    def _check_shares(self) -> None:
        """Check that shares are some of the whole."""
        for name, shares in (("shares", self.shares), ("method_shares", self.method_shares)):
            total = sum(shares.values())
            require(
                all(share >= 0 for share in shares.values()) and total <= 1 + 1e-9,
                f"mix.{name} add up to {total}; each must be >= 0 and all together at most 1",
            )
        require(
            self.multi_turn is None or 0 <= self.multi_turn <= 1,
            f"mix.multi_turn is {self.multi_turn}; it must be in [0, 1]",
        )


@dataclass(kw_only=True)
class LintConfig:
    """What to look at, and what to look for."""

    path: str = ""
    """Training dialogues: a file or folder of .jsonl, .json, .parquet; the folder of a stage, such
    as runs/mine/mix; or `hub:owner/name`."""
    fix: bool = False
    """Write a mended copy too, beside the findings in runs/<run>/lint/<the path>."""
    skip: list[str] = field(default_factory=list)
    """Problems that are not looked for, by the names that the report shows."""
    shown: int = 5
    """Most rows shown of a problem; all are in findings.jsonl."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.shown >= 0, f"lint.shown is {self.shown}; it must be >= 0")


@dataclass(kw_only=True)
class PopulationConfig:
    """What the characters are compared with."""

    census: str = ""
    """CSV with the columns attribute (gender, age, race, country), value, share; empty = uniform.
    Ages are decades: `30-39`."""
    top: int = 10
    """How many of the commonest names and openings are listed."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.top >= 1, f"population.top is {self.top}; it must be >= 1")


@dataclass(kw_only=True)
class ExportConfig:
    """How a mixture is handed to a trainer."""

    layout: str = "messages"
    """`messages`, `sharegpt` or `alpaca`."""
    format: str = "jsonl"
    """`jsonl` or `parquet`."""
    push: str = ""
    """Data set on the hub to push to, `owner/name`; empty = only write."""
    private: bool = True
    """Whether a data set that is pushed anew is private."""

    def __post_init__(self) -> None:
        """Check choices."""
        for name, choices in (
            ("layout", ("messages", "sharegpt", "alpaca")),
            ("format", ("jsonl", "parquet")),
        ):
            value = getattr(self, name)
            require(
                value in choices, f"export.{name} is '{value}'; choose from {', '.join(choices)}"
            )
        require(
            not self.push or re.fullmatch(r"[\w.-]+/[\w.-]+", self.push) is not None,
            f"export.push is '{self.push}'; write owner/name",
        )
