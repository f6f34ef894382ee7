"""What a report says, as numbers: each a mean with its interval, and what it is a mean of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from opencharacter.compare.losses import Measured
from opencharacter.compare.measures import Measure
from opencharacter.records import Domain
from opencharacter.stats.intervals import Estimate
from opencharacter.stats.variance import Component

ALL_JUDGES = "all judges"
"""What the line of comparisons by all judges is called, where none is left out."""


NO_FAILURE = "none"
"""What the line of answers that can be judged is called."""


class Row(NamedTuple):
    """One line of a table: a mean for each domain, and over all."""

    name: str
    overall: Estimate
    domains: Mapping[Domain, Estimate]
    missing: int = 0
    """Scores without a value."""


class Gap(NamedTuple):
    """How much higher in-domain characters are scored than out-of-domain ones."""

    value: float
    low: float | None
    """None = a domain has fewer than two characters."""
    high: float | None
    p: float | None
    """Of no gap, two-sided, by Student's t over characters."""


class Bounds(NamedTuple):
    """Where a mean lies whatever the missing scores would have been."""

    domain: Domain
    low: float
    high: float


class Judge(NamedTuple):
    """What one judge did."""

    name: str
    family: str
    kin: str
    """Whose family that is too, such as `the teacher's`; empty = nobody's."""
    scores: int
    """Its own in the headline's criteria, without controls."""
    unscored: Mapping[str, int]
    """How many of them have no value, by reason."""
    mean: Estimate
    """Of those that have one; no value = none has."""
    without: Estimate
    """The headline's mean without this judge; none of a single judge; of rules it stays."""
    inconsistency: float | None
    """How far all its choices between two answers differ by their order, in [0, 1]; None = it was
    not asked to choose."""


class Preferred(NamedTuple):
    """How often this run's answer is preferred to another run's of the same item."""

    judge: str
    """By name; or, of the mean of several, `ALL_JUDGES`, with who is left out."""
    plain: Estimate
    """Share of comparisons, whatever the lengths; what is no role-play loses."""
    controlled: Estimate
    """Win rate between answers of one length, of the pairs that were judged."""
    length: Estimate
    """Coefficient of the length, on the scale of logits; 0 = length does not matter."""
    comparisons: int
    missing: int
    """Of those, the ones that nobody can tell."""
    bounds: tuple[float, float] | None
    """Instead of rates, between what the share lies; None = enough comparisons have a value."""


class Failed(NamedTuple):
    """How often a failure happened."""

    name: str
    counts: Mapping[Domain, int]
    share: Estimate
    """Of transcripts without a control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run."""

    run: str
    models: Sequence[str]
    suites: Sequence[str]
    is_calibrated: bool
    """Whether people have labelled what the judges were qualified by; rules need no labels."""
    card_hashes: Mapping[str, str]
    """sha256 of each judge's card, by judge; of joined runs by `judge (run)`."""
    level: float
    criteria: Sequence[str]
    """Of the headline."""
    measure: Measure
    """What the mean over them is."""
    withheld: Sequence[str]
    """Why there is no headline, a sentence each; empty = there is one."""
    cautions: Sequence[str]
    """What else to know, a sentence each."""
    coverage: float | None
    """Share of the headline's scores that have a value."""
    headline: Row
    """Not to be told where it is withheld."""
    judged: Estimate
    """The headline's mean without the answers that count as the lowest."""
    answers: int
    """Behind the headline: of transcripts that are scored by turn, turns."""
    failed: int
    """Of those, the ones that count as the lowest, since they are no role-play."""
    gap: Gap | None
    """None = one of the two domains has no scores."""
    bounds: Sequence[Bounds]
    """Instead of a headline where scores are missing and the scale is known."""
    tasks: Sequence[Row]
    criteria_rows: Sequence[Row]
    turns: Sequence[Row]
    turn_groups: Sequence[int]
    """Of each of them the first turn that asked the same dialogues: later turns may have fewer."""
    rule_turns: Sequence[Row]
    """Of what a rule scores at each turn beside the headline, such as the facts stated."""
    controls: Sequence[Row]
    judges: Sequence[Judge]
    preferences: Mapping[str, Sequence[Preferred]]
    """Beside other runs' answers, by `mine over base`; empty = they were not held against any."""
    corrected: Row | None
    """The headline as people would score it, by their labels of a part; None = there are none."""
    spread: Mapping[str, Component]
    """Where the variance of the headline's scores comes from; empty = too little to tell."""
    failures: Sequence[Failed]
    losses: Sequence[Measured]
    """On given answers, all and by topic; empty = not measured."""
    transcripts: int
    characters: Mapping[Domain, int]
    units: str
    """What intervals are over: `characters`, or, where nobody is played, `questions`."""
    facts: Mapping[str, str | int | float]

    @property
    def title(self) -> str:
        """The headline's title: it says where no human has checked the judges."""
        calibrated = "" if self.is_calibrated else " (uncalibrated)"
        return f"{self.run}: {', '.join(self.models)} on {', '.join(self.suites)}{calibrated}"
