"""What keeps a response out of a mixture: what a classifier says of it, and evaluation suites."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opencharacter.config.ranges import require


class Spoken(StrEnum):
    """Which text of a dialogue is scored."""

    assistant = "assistant"
    user = "user"
    dialogue = "dialogue"


class Direction(StrEnum):
    """Which side of the cut is left out; a score that equals the cut always stays."""

    drop_above = "drop_above"
    drop_below = "drop_below"
    keep_above = "keep_above"
    """The same as `drop_below`."""
    keep_below = "keep_below"
    """The same as `drop_above`."""

    @property
    def drops_high(self) -> bool:
        """Whether high scores are left out, not low ones."""
        return self in (Direction.drop_above, Direction.keep_below)


class Activation(StrEnum):
    """How a classifier's raw output becomes a score."""

    auto = "auto"
    """Sigmoid for one label or a multi-label model, softmax else: what its configuration says."""
    softmax = "softmax"
    sigmoid = "sigmoid"
    none = "none"
    """The raw output, as of a reward model."""


class Contamination(StrEnum):
    """What becomes of a row that overlaps with an evaluation suite."""

    reject = "reject"
    keep = "keep"


@dataclass(kw_only=True)
class AxisConfig:
    """One number a response, by a classifier or a function, and what it decides."""

    model: str = ""
    """Hugging Face text classifier: a local folder, or a hub id (downloaded when it is not in the
    cache); or give `function`."""
    revision: str | None = None
    """Of the hub model; pin it."""
    function: str = ""
    """`module:function` that takes a list of texts and returns as many numbers; None for a text
    without one. Python must find the module: in this folder, installed, or on PYTHONPATH."""
    label: str = ""
    """The label whose probability is the score; needed unless the model has only one."""
    activation: Activation = Activation.auto
    """How the raw output becomes a score: `auto` = sigmoid for one label or a multi-label model,
    softmax else; `none` = as it is, for a reward model."""
    max_length: int | None = None
    """Tokens of a text that the model reads; a longer one is cut off and counted. None = as many as
    the model can."""
    text: Spoken = Spoken.assistant
    """Of `assistant` and `user` each turn is scored, and the turn nearest to being left out
    decides; `dialogue` is one text with a name before each turn."""
    direction: Direction = Direction.drop_above
    """Which side of the cut is left out; a score that equals the cut stays."""
    threshold: float | None = None
    """The cut, as a score. Neither this nor `percentile`: score and report, leave nothing out."""
    percentile: float | None = None
    """The cut, as a percentile of the scores of all responses that could enter, in [0, 100]."""
    replayed: bool = True
    """Hold replayed rows against the threshold too; false where the score is about playing a role.
    A percentile never does: it is of the run's own responses."""

    def __post_init__(self) -> None:
        """Check ranges, and what excludes each other."""
        require(
            bool(self.model) != bool(self.function),
            f"an axis has model '{self.model}' and function '{self.function}'; give one of the two",
        )
        require(
            not self.function or re.fullmatch(r"[\w.]+:\w+", self.function) is not None,
            f"an axis has function '{self.function}'; write module:function",
        )
        require(
            not self.function or not (self.label or self.revision or self.max_length),
            f"label, revision and max_length are a model's, but the axis has function "
            f"'{self.function}'; leave them out",
        )
        require(
            self.max_length is None or self.max_length >= 8,
            f"an axis has max_length {self.max_length}; it must be >= 8 tokens",
        )
        require(
            self.threshold is None or self.percentile is None,
            f"an axis has threshold {self.threshold} and percentile {self.percentile}; set one of "
            "them to null",
        )
        require(
            self.percentile is None or 0 <= self.percentile <= 100,
            f"an axis has percentile {self.percentile}; it must be in [0, 100]",
        )


def check_axes(axes: Mapping[str, AxisConfig]) -> None:
    """Check that names of axes can be parts of reasons and of file names.

    Raises:
        ConfigError: one cannot.
    """
    for name in axes:
        require(
            re.fullmatch(r"[a-z0-9_]+", name) is not None,
            f"mix.axes has '{name}'; name an axis with lower-case letters, digits and _",
        )
