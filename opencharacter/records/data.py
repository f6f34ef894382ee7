"""Records of the data: Persona -> Character -> Response <- Instruction; Response -> MixtureRow."""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any

import msgspec

from opencharacter.ids import content_id


class Role(StrEnum):
    """Who speaks a message."""

    system = "system"
    user = "user"
    assistant = "assistant"


class Split(StrEnum):
    """Whether a persona may be trained on; `heldout` ones are for out-of-domain evaluation."""

    train = "train"
    heldout = "heldout"


class Method(StrEnum):
    """How a response was made."""

    rewrite = "rewrite"
    """OpenCharacter-R: a reference answer rewritten in the character's voice."""
    generate = "generate"
    """OpenCharacter-G: answered by the character, turn by turn."""
    dialogue = "dialogue"
    """Written as a whole dialogue on a topic."""
    ingested = "ingested"
    """Taken from an existing corpus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a dialogue."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked of a model: enough to ask it again."""

    model: str
    """`name@revision`."""
    prompt_sha256: str
    """Of the request's key: model, messages, sampling, seed and schema (see `llm.requests`)."""
    sampling: str
    """Canonical JSON of the sampling settings."""
    seed: int
    engine: str
    """Back end and version, such as `vllm 0.32.0`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of all model calls behind a record, failed attempts included."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt tokens, those that the engine's prefix cache held."""
    output_tokens: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One line that says who somebody is."""

    source: str
    text: str
    language: str | None = None
    """ISO 639-1 code; None = its script and small words do not say."""
    domain: str | None = None
    licence: str
    split: Split
    cluster: str
    """Near-duplicates share it: a hash of the text without case, punctuation and white space."""
    """Id of the near-duplicate group; the persona's own id where it is alone."""
    origin: str
    """Where the row stands: file name and line number."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        object.__setattr__(self, "id", persona_id(self.source, self.text))


def persona_id(source: str, text: str) -> str:
    """Return the id of a persona, known before the record is built: splits hang on it."""
    return content_id("persona", source, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """A persona filled out into a profile of eight fields (OpenCharacter, arXiv 2501.15427)."""

    persona_id: str
    persona: str
    """The persona's text: every prompt needs it beside the profile."""
    split: Split
    cluster: str
    licence: str
    name: str
    age: int
    """Years."""
    gender: str
    race: str
    birth_place: str
    appearance: str
    experience: str
    personality: str
    profile: str
    """The eight fields as text, as prompts show them."""
    call: Call
    usage: Usage
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        object.__setattr__(
            self, "id", content_id("character", self.persona_id, self.profile, self.call)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a user says: one or more turns, with the source's answers where it has them."""

    source: str
    messages: tuple[Message, ...]
    """The user's turns, in order."""
    references: tuple[str, ...] = ()
    """The source's answers, in order; rewriting needs as many as there are user turns."""
    topic: str | None = None
    licence: str
    origin: str
    """Where the row stands: file name and line or entry number."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        turns = [message.content for message in self.messages]
        object.__setattr__(self, "id", content_id("instruction", self.source, turns))

    @property
    def is_answered(self) -> bool:
        """Whether every user turn has a reference answer, so that it can be rewritten."""
        return len(self.references) == len(self.messages)

    @property
    def dialogue(self) -> tuple[Message, ...]:
        """User and assistant in turn; only where every turn is answered."""
        answers = (Message(role=Role.assistant, content=text) for text in self.references)
        return tuple(chain.from_iterable(zip(self.messages, answers, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A dialogue in which the assistant's turns are spoken by the character."""

    character_id: str
    instruction_id: str
    method: Method
    source: str
    """The instruction's source."""
    draw: int
    """This character is the draw-th (from 0) drawn for the instruction; mixtures nest by it."""
    licence: str
    """Licences of persona and instruction, strictest reading left to the reader."""
    messages: tuple[Message, ...]
    """User and assistant in turn; no system message (`mix` renders it)."""
    finish_reasons: tuple[str, ...]
    marks: tuple[str, ...] = ()
    """Names of the checks that found something and did not reject it (see `checks.answers`)."""
    remarks: tuple[str, ...] = ()
    """What stands behind marks, `name: detail`; of the fact check (see `synth.fact_check`)."""
    call: Call
    """The first call of the dialogue."""
    usage: Usage
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        parts = (self.character_id, self.instruction_id, self.method, self.call)
        object.__setattr__(self, "id", content_id("response", *parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureRow:
    """One training dialogue, ready for supervised fine-tuning."""

    response_id: str
    character_id: str
    instruction_id: str
    persona_id: str
    render_version: str
    messages: tuple[Message, ...]
    """System, then user and assistant in turn."""
    untrained: tuple[int, ...] = ()
    """Places in `messages`, from 0, of the assistant's turns that are read and not learned."""
    source: str
    method: Method
    draw: int
    weight: float
    licence: str
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        object.__setattr__(self, "id", content_id("row", self.response_id, self.render_version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was left out, with the reason and enough to look at it."""

    key: str
    """Id of the work that was refused: a record's id, or `file:line` of an unreadable row."""
    reason: str
    """A short fixed word: manifests count by it."""
    detail: str
    """What was wrong, with values."""
    origin: str
    """Where it came from: file and line number, or the ids of the parents."""
    excerpt: str
    """The beginning of the text in question."""
    attempts: int = 0
    """Model calls spent on it."""
    usage: Usage = Usage()


def to_row(record: Any) -> dict[str, Any]:
    """Return a record, or another frozen dataclass, as a plain dictionary, nested ones too."""
    row: dict[str, Any] = msgspec.to_builtins(record)
    return row
