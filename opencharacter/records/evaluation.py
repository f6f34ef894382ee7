"""Records of evaluation: EvalItem -> Transcript -> Score, and Loss beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from opencharacter.ids import content_id
from opencharacter.records.data import Call, Message, Role, Usage


class Domain(StrEnum):
    """Whether the model was trained on the character."""

    inside = "in"
    """The character was in the mixture; its dialogues here were not."""
    outside = "out"
    """Neither the persona nor a near-duplicate of it was in the mixture."""
    unknown = "unknown"
    """Nothing is known of what the model was trained on."""
    none = "none"
    """There is nothing to know: nobody is played, or a real person, whom no mixture holds."""


class Control(StrEnum):
    """What is changed of the system prompt, to see what an answer owes to it."""

    none = "none"
    no_persona = "no_persona"
    """The question alone."""
    swapped_persona = "swapped_persona"
    """The prompt of another character of the suite, judged against this one."""
    persona_only = "persona_only"
    """The persona's line, without the profile."""


class Failure(StrEnum):
    """What went wrong with a candidate's answer, so that it is no role-play at all."""

    empty = "empty"
    refusal = "refusal"
    leaves_character = "leaves_character"
    truncated = "truncated"
    error = "error"


class UserFailure(StrEnum):
    """What went wrong with the user that a model plays: no failure of the candidate's."""

    empty = "empty"
    refusal = "refusal"
    leaves_role = "leaves_role"
    """It speaks of itself as an AI."""
    truncated = "truncated"
    repeats = "repeats"
    """It says what it has said before, or what it has just been told."""
    error = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalItem:
    """What is asked of a model, as one character."""

    suite: str
    """`name@hash` of its data; the name alone where nothing but what is here decides the item."""
    persona_id: str
    """Of the run's persona, or of the suite's own."""
    system: str
    """The system prompt without a control."""
    persona: str
    """The persona's text."""
    facts: tuple[str, ...] = ()
    """What is true of the character, `field: value`; judges and rules read it."""
    history: tuple[Message, ...] = ()
    """What was said before the first question, user and assistant in turn; not the model's."""
    questions: tuple[str, ...]
    """User turns, in order; empty where a model that plays the user makes one up."""
    user: str = ""
    """Model that does, `name@revision`; empty = there is none."""
    goal: str = ""
    """What it is told that it wants."""
    answers: tuple[str, ...] = ()
    """What a rule looks for, one per question; empty = a judge scores it."""
    task: str
    """Of the suite, such as `persona_consistency` or `name/direct`."""
    dimensions: tuple[str, ...]
    """Criteria that its transcripts are scored by."""
    domain: Domain
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        parts = (self.suite, self.persona_id, self.task, self.system, self.questions)
        before = (self.history,) if self.history else ()
        simulated = ((self.user, self.goal),) if self.user else ()
        object.__setattr__(self, "id", content_id("item", *parts, *before, *simulated))

    def played(self, messages: Sequence[Message]) -> list[Message]:
        """Return of a transcript's messages those from the first question on."""
        spoken = [message for message in messages if message.role is not Role.system]
        return spoken[len(self.history) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A model's answers to one item."""

    item_id: str
    persona_id: str
    suite: str
    task: str
    domain: Domain
    model: str
    """`name@revision`."""
    control: Control
    sample: int
    """From 0: one item may be played several times."""
    messages: tuple[Message, ...]
    """System, then user and assistant in turn."""
    failure: Failure | None
    """Of the first answer that failed; None = all of them can be judged."""
    detail: str = ""
    """What was wrong, with values; of the first answer that failed."""
    turn_failures: tuple[str, ...] = ()
    """A `Failure` for each user turn that was asked; empty where the answer can be judged. A
    dialogue ends at an answer that is empty or an error, and goes on after others."""
    finish_reasons: tuple[str, ...]
    call: Call
    """The first call."""
    usage: Usage
    """Of the model under test."""
    user_failure: UserFailure | None = None
    """Why a model that plays the user ended the dialogue; None = it did not, or there is none."""
    user_detail: str = ""
    """What it said then."""
    user_usage: Usage = field(default_factory=Usage)
    """Of that model."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        parts = (self.item_id, self.model, self.control, self.sample, self.call)
        object.__setattr__(self, "id", content_id("transcript", *parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One judge's verdict on one transcript, by one criterion."""

    transcript_id: str
    item_id: str
    persona_id: str
    judge: str
    """`name@revision`, or `rule`."""
    rubric: str
    """`name@hash`."""
    criterion: str
    turn: int | None = None
    """Of the user turn that is judged, from 0; None = the whole dialogue."""
    repeat: int = 0
    against: str = ""
    """Id of the transcript it is compared with; `value` is then the share for this one."""
    inconsistency: float | None = None
    """Of a comparison: how far the two orders of the answers disagree, in [0, 1]."""
    value: float | None
    """In the rubric's points; None where there was no usable verdict."""
    unscored: str | None = None
    """Why `value` is None, a short fixed word; counted and reported, never averaged as a number."""
    labels: tuple[str, ...] = ()
    """Of the scale, in order."""
    probabilities: tuple[float, ...] = ()
    """Of each label, as the engine gives them; they sum to `mass`."""
    mass: float | None = None
    """Probability of all labels together; None = the engine gives none."""
    rationale: str = ""
    usage: Usage = field(default_factory=Usage)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity, and refuse a score that is both or neither.

        Raises:
            ValueError: not exactly one of `value` and `unscored` is given.
        """
        if (self.value is None) == (self.unscored is None):
            raise ValueError(f"{self.transcript_id}: set exactly one of value, unscored")
        parts = (self.transcript_id, self.judge, self.rubric, self.criterion, self.turn)
        compared = (self.against,) if self.against else ()
        object.__setattr__(self, "id", content_id("score", *parts, self.repeat, *compared))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """How likely a model holds what somebody else has answered, token by token."""

    dialogue_id: str
    """Hash of `messages`: runs are joined by it."""
    source: str
    """`name@hash` of the data that the dialogue is from."""
    topic: str
    """Of the dialogue, such as `explain`; empty = its source names none."""
    messages: tuple[Message, ...]
    """User and assistant in turn, an answer to every question."""
    model: str
    """`name@revision`."""
    losses: tuple[float, ...]
    """Minus the logarithm of each token's probability, in nats, in order: of the assistant's texts
    and the tokens that end its turns, each after everything before it."""
    n_bytes: int
    """Of the assistant's texts in UTF-8; what models of different tokenizers have in common."""
    licence: str
    origin: str
    """Where the row stands: file name and line or entry number."""
    call: Call
    usage: Usage
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        object.__setattr__(self, "id", content_id("loss", self.dialogue_id, self.model, self.call))

    @property
    def nats(self) -> float:
        """Sum of the losses."""
        return sum(self.losses)
