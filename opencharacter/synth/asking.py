"""Ask until an answer can be used: attempts with new seeds, every token counted."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from opencharacter.checks.problem import Problem
from opencharacter.config import SamplingConfig
from opencharacter.ids import request_seed
from opencharacter.llm.requests import (
    Completion,
    Finish,
    Request,
    Sampling,
    add_usage,
    sampling_json,
)
from opencharacter.records import Call, Message, Rejection, Usage
from opencharacter.sources.lines import storable
from opencharacter.synth.replies import plain_lines

Answer = TypeVar("Answer")


def requested(config: SamplingConfig) -> Sampling:
    """Return what every request of a stage with these settings carries."""
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        min_p=config.min_p,
        max_tokens=config.max_tokens,
        max_repeats=config.max_repeats,
    )


@dataclass(slots=True, kw_only=True)
class Asker(Generic[Answer]):
    """Asks on behalf of one record, and remembers what it cost.

    Its seeds hang on the run's seed, the record, the stage, the turn and the attempt.
    """

    key: str
    """Of the work: becomes the key of a rejection."""
    record_id: str
    """What the seeds hang on."""
    stage: str
    seed: int
    sampling: SamplingConfig
    retries: int
    model: str
    engine: str
    again: SamplingConfig | None = None
    """Of further attempts, where they are drawn otherwise than the first."""
    calls: list[Call] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def ask(
        self,
        messages: tuple[Message, ...],
        read: Callable[[str], Answer | Problem],
        *,
        schema: dict[str, Any] | None = None,
    ) -> Generator[Request, Completion, Answer | Rejection]:
        """Ask up to `retries` more times, until `read` accepts the text.

        Args:
            messages: The prompt.
            read: Returns what the text says, or why it cannot be used.
            schema: Of the answer.
        """
        turn = len(self.calls)
        problem = Problem("no_answer", "")
        completion = Completion(text="", finish=Finish.error)
        for attempt in range(self.retries + 1):
            request = self._request(messages, turn, attempt, schema)
            completion = yield request
            self.usage = add_usage(self.usage, completion)
            answer = _finish_problem(completion) or read(plain_lines(completion.text))
            if not isinstance(answer, Problem):
                self.calls.append(self._call(request))
                self.finishes.append(str(completion.finish))
                return answer
            problem = answer
            if completion.finish is Finish.too_long:
                break  # a new seed does not make the prompt shorter
        return self.reject(problem, completion.text)

    def reject(self, problem: Problem, excerpt: str) -> Rejection:
        """Return the rejection of this piece of work."""
        return Rejection(
            key=self.key,
            reason=problem.reason,
            detail=storable(problem.detail[:500]),
            origin=self.record_id,
            excerpt=storable(excerpt[:500]),
            attempts=self.usage.calls,
            usage=self.usage,
        )

    def _request(
        self, messages: tuple[Message, ...], turn: int, attempt: int, schema: dict[str, Any] | None
    ) -> Request:
        drawn = self.again if self.again and attempt else self.sampling
        return Request(
            messages=messages,
            sampling=requested(drawn),
            seed=request_seed(self.seed, self.record_id, self.stage, turn, attempt),
            schema=schema,
        )

    def _call(self, request: Request) -> Call:
        return Call(
            model=self.model,
            prompt_sha256=request.key(self.model),
            sampling=sampling_json(request.sampling),
            seed=request.seed,
            engine=self.engine,
        )


def _finish_problem(completion: Completion) -> Problem | None:
    """Return why a completion is no text at all, before anybody reads it."""
    if completion.finish is Finish.stop:
        return None if completion.text.strip() else Problem("empty", "the model said nothing")
    details = {
        Finish.length: ("truncated", f"cut off after {completion.output_tokens} tokens"),
        Finish.repetition: (
            "repetition",
            f"stopped after {completion.output_tokens} tokens, the last of them in circles",
        ),
        Finish.too_long: ("prompt_too_long", completion.text),
        Finish.filtered: ("content_filter", "the server's filter stepped in"),
        Finish.error: ("engine_error", completion.text),
    }
    return Problem(*details[completion.finish])
