"""What reports and comparisons say."""

from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class ReportConfig:
    """What the headline is of, and what it needs."""

    runs: list[str] = field(default_factory=list)
    """Other runs of the same model whose scores join this report, such as the one that played the
    out-of-domain suite; names in runs_dir, or folders."""
    criteria: list[str] = field(default_factory=list)
    """Criteria whose mean is the headline; empty = all of the scale that most scores are on. Fix
    them before the run: the best of several is no headline."""
    level: float = 0.95
    """What share of the intervals should hold the true value, in (0, 1)."""
    min_coverage: float = 0.99
    """Least share of scores with a value; below it bounds stand in place of the headline."""
    shown: int = 10_000
    """Transcripts in the page, the worst first; all numbers are of all of them."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(0 < self.level < 1, f"report.level is {self.level}; it must be in (0, 1)")
        require(
            0 <= self.min_coverage <= 1,
            f"report.min_coverage is {self.min_coverage}; it must be in [0, 1]",
        )
        require(self.shown >= 0, f"report.shown is {self.shown}; it must be >= 0")


class CompareSource(StrEnum):
    """Where the runs that are compared come from."""

    folder = "folder"
    """Folders of runs: play and judge."""
    wandb = "wandb"
    """The W&B project: what `stage=report` logged there."""


@dataclass(kw_only=True)
class CompareConfig:
    """What is compared, and what counts as the same."""

    runs: list[str] = field(default_factory=list)
    """Names of runs in runs_dir, or their folders; on W&B, groups. The first is the one that the
    others are compared with; up to four are compared each with each."""
    source: CompareSource = CompareSource.folder
    """Where they are."""
    criteria: list[str] = field(default_factory=list)
    """As report.criteria."""
    margin: float = 0.1
    """Largest difference that does not matter, in points of the score. Fix it before the runs."""
    level: float = 0.95
    """As report.level."""
    min_coverage: float = 0.99
    """As report.min_coverage, of each run."""
    shown: int = 10_000
    """Transcripts in the page, items on which the runs differ most first."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.margin > 0, f"compare.margin is {self.margin}; it must be > 0")
        require(0 < self.level < 1, f"compare.level is {self.level}; it must be in (0, 1)")
        require(
            0 <= self.min_coverage <= 1,
            f"compare.min_coverage is {self.min_coverage}; it must be in [0, 1]",
        )
        require(self.shown >= 0, f"compare.shown is {self.shown}; it must be >= 0")
        listed = ", ".join(self.runs)
        require(
            len(set(self.runs)) == len(self.runs),
            f"compare.runs is [{listed}]; name each run once",
        )
