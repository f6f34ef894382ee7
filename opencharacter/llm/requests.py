"""The contract between a piece of LLM work and whatever runs the model.

A session is a plain generator: it yields `Request`s, is sent a `Completion` for each, and returns a
record or a `Rejection`. It knows nothing of engines, threads or `async`:

    def ask_twice(item) -> Session[Response]:
        first = yield Request(messages=..., sampling=..., seed=...)
        second = yield Request(messages=..., sampling=..., seed=...)
        return Response(...)
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from opencharacter.ids import canonical_json, digest
from opencharacter.records import Message, Rejection, Usage

Outcome = TypeVar("Outcome")


class Finish(StrEnum):
    """Why a completion ended."""

    stop = "stop"
    """The model ended its turn."""
    length = "length"
    """Cut off at `max_tokens` or at the model's length: a failure, not text."""
    repetition = "repetition"
    """Stopped at `max_repeats`: it went round in circles."""
    too_long = "too_long"
    """The prompt alone leaves no room; nothing was generated."""
    filtered = "filtered"
    """A server's content filter stepped in."""
    error = "error"
    """The engine or server refused this request for good; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float
    top_p: float
    max_tokens: int
    min_p: float = 0.0
    """See `config.SamplingConfig` for this and the next."""
    max_repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One model call."""

    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    """In [0, 2**31); see `ids.request_seed`."""
    schema: dict[str, Any] | None = None
    """JSON schema of the answer; None = free text."""
    labels: tuple[str, ...] = ()
    """The answer is one of these, each a single token; the completion tells their probabilities."""
    is_measured: bool = False
    """Nothing is to be said: the completion tells how likely what the assistant says in `messages`
    is to the model (`Completion.losses`)."""
    to: str = ""
    """Name of the model that it goes to, where a session asks two (`llm.two`); empty = the one that
    does the work."""
    _keys: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def key(self, model: str) -> str:
        """Return the sha256 under which the completion is logged: equal requests, equal keys."""
        if model not in self._keys:
            messages = [[message.role, message.content] for message in self.messages]
            asked = (messages, self.sampling, self.seed, self.schema)
            beside = [self.labels] if self.labels else ["measured"] if self.is_measured else []
            self._keys[model] = digest(self.to or model, *asked, *beside)
        return self._keys[model]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What came back."""

    text: str
    finish: Finish
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    probabilities: tuple[float, ...] | None = None
    """Of each of the request's labels as the answer's first token, before it was steered to them:
    they sum to less than 1. None = the request has no labels."""
    losses: tuple[float, ...] | None = None
    """Of each token of what the assistant says in a request that `is_measured`, in order, in nats:
    the tokens that end its turns count, as in training. None = the request is no such."""
    served: str = ""
    """What the server called the model that answered; empty = no server, or it did not say."""

    @property
    def is_usable(self) -> bool:
        """Whether the model ended its own turn and said something."""
        return self.finish is Finish.stop and bool(self.text.strip())


Session = Generator[Request, Completion, Outcome | Rejection]
"""A piece of LLM work that ends in an `Outcome` (a record) or a `Rejection`."""


class Model(Protocol):
    """What `run_sessions` needs of a back end. All methods are called from one thread."""

    name: str
    """`model@revision`, as it enters keys and records."""
    window: int
    """Requests to keep in flight: about 1.25 times the engine's seats."""

    @property
    def engine(self) -> str:
        """Back end and version."""

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request; `ticket` comes back with its completion."""

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Wait until at least one request in flight is done, or `wait_s` are over.

        Returns all that are done, or nothing: its caller can look up, and ask another model. An
        engine of this process works while it is waited for, a step at the least.
        """

    def close(self) -> None:
        """Free what the model holds; requests in flight are dropped."""


def sampling_json(sampling: Sampling) -> str:
    """Return sampling settings as canonical JSON, as `records.Call` stores them."""
    return canonical_json(sampling).decode()


def sum_usage(one: Usage, other: Usage) -> Usage:
    """Return the tokens of both."""
    return Usage(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        calls=one.calls + other.calls,
    )


def add_usage(total: Usage, completion: Completion) -> Usage:
    """Return `total` with the tokens of one more call."""
    return Usage(
        prompt_tokens=total.prompt_tokens + completion.prompt_tokens,
        cached_tokens=total.cached_tokens + completion.cached_tokens,
        output_tokens=total.output_tokens + completion.output_tokens,
        calls=total.calls + 1,
    )
