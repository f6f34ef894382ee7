"""How dialogues become tokens."""

from dataclasses import dataclass
from enum import StrEnum

from opencharacter.config.ranges import require


class Template(StrEnum):
    """How messages are laid out."""

    auto = "auto"
    """The layout that the tokenizer's control tokens belong to; else the model's own."""
    llama3 = "llama3"
    chatml = "chatml"
    mistral = "mistral"
    own = "own"
    """The model's own template, where it marks what the assistant says."""


class Overlong(StrEnum):
    """What becomes of a dialogue with more tokens than `max_length`."""

    drop_turns = "drop_turns"
    """Whole turns are left out at its end; one without any left is rejected."""
    reject = "reject"


class ControlText(StrEnum):
    """What becomes of a dialogue in whose text a control token is written."""

    keep = "keep"
    """It stays text: its letters are encoded, never the token."""
    reject = "reject"


@dataclass(kw_only=True)
class TokenizeConfig:
    """A mixture as token ids and labels."""

    template: Template = Template.auto
    """How messages are laid out."""
    max_length: int | None = None
    """Tokens of a dialogue at most; None = as many as the model takes, and no more than 4,096."""
    overlong: Overlong = Overlong.drop_turns
    """What becomes of a dialogue that is longer: whole turns are dropped at its end, or it is
    rejected."""
    control_text: ControlText = ControlText.keep
    """What becomes of a dialogue in whose text a control token is written: it stays text, or the
    dialogue is rejected."""
    processes: int = 1
    """Processes that encode."""
    show: int = 0
    """Print so many rows with what is supervised in colour."""
    max_rejected: float = 0.2
    """Largest share of rejected rows."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(
            self.max_length is None or self.max_length >= 16,
            f"max_length is {self.max_length}; it must be >= 16 tokens",
        )
        require(self.processes >= 1, f"processes is {self.processes}; it must be >= 1")
        require(self.show >= 0, f"show is {self.show}; it must be >= 0")
        require(0 <= self.max_rejected <= 1, f"max_rejected is {self.max_rejected}; not in [0, 1]")
