"""How dialogues become tokens."""

from dataclasses import dataclass, field
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
    plain = "plain"
    """Plain text with the names of the speakers, for encoder-decoder models: `tokenize.plain`."""


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
class PlainConfig:
    """The plain text that an encoder reads: what stands around each message, and around all."""

    prefix: str = ""
    """Token that it begins with, such as `<LM>` or `<SC1>`, which name the denoisers that FRED-T5
    was trained with; it must be one token of the vocabulary. Empty = none."""
    system: str = "{text}\n"
    """Line of the system prompt; `{text}` stands for what it says."""
    user: str = "User: {text}\n"
    """Line of a user's turn."""
    assistant: str = "Assistant: {text}\n"
    """Line of an earlier turn of the assistant."""
    answer: str = "Assistant:"
    """What stands last, before the answer."""
    mark: str = ""
    """Token that ends what is read and begins the answer, such as `<extra_id_0>`, the gap that a
    T5 fills; it must be one token of the vocabulary. Empty = none."""
    end: str = ""
    """Token that ends the answer; empty = what the model's configuration says, else its
    tokenizer."""

    def __post_init__(self) -> None:
        """Check that each line has a place for what is said."""
        for name in ("system", "user", "assistant"):
            line = getattr(self, name)
            require(
                line.count("{text}") == 1,
                f"plain.{name} is {line!r}; it must have {{text}} once, where the message stands",
            )
        require(
            bool((self.answer + self.mark).strip()),
            "plain.answer and plain.mark are empty; one of them must say that an answer is due",
        )


@dataclass(kw_only=True)
class TokenizeConfig:
    """A mixture as token ids and labels."""

    template: Template = Template.auto
    """How messages are laid out."""
    plain: PlainConfig = field(default_factory=PlainConfig)
    """The plain text that an encoder reads; encoder-decoder models only."""
    max_length: int | None = None
    """Tokens of a dialogue at most; None = as many as the model takes, and no more than 4,096. Of
    an encoder-decoder model: tokens that the encoder reads."""
    max_answer: int = 512
    """Tokens of an answer at most, with its end; encoder-decoder models only."""
    overlong: Overlong = Overlong.drop_turns
    """What becomes of a dialogue that is longer: whole turns are dropped at its end (of what an
    encoder reads: at its beginning, after the system prompt), or it is rejected."""
    control_text: ControlText = ControlText.keep
    """What becomes of a dialogue in whose text a control token is written: it stays text, or the
    dialogue is rejected."""
    processes: int = 1
    """Processes that encode at most; each takes 10,000 rows or more, so few rows take one."""
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
        require(self.max_answer >= 2, f"max_answer is {self.max_answer}; it must be >= 2 tokens")
        require(self.processes >= 1, f"processes is {self.processes}; it must be >= 1")
        require(self.show >= 0, f"show is {self.show}; it must be >= 0")
        require(0 <= self.max_rejected <= 1, f"max_rejected is {self.max_rejected}; not in [0, 1]")
