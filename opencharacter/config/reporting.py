"""What reports and comparisons say."""

from dataclasses import dataclass, field

from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class ReportConfig:
    """What the headline is of, and what it needs."""

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
