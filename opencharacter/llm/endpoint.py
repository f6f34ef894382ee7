"""Any OpenAI-compatible server: a vLLM server of your own, or a hosted API.

`submit` and `collect` are called from one thread; an asyncio loop in a background thread keeps up
to `seats` requests on the wire. What can go wrong is sorted into four (`llm.answers`):

- a passing fault (429, 5xx, cut connection, no answer in time, unreadable answer, another model) is
  tried again, and becomes `Finish.error` when the tries are used up and the server is there;
- a server that is gone is waited for, up to `patience_s`: that is no fault of the request;
- a refusal of this one request (400, 413, 422 ...) is data: a `Completion` that says so;
- a fault of the set-up (key, model name, nobody listening, or most requests failing) ends the run
  with a `ModelError`, raised by `collect` (`llm.health`).
"""

import asyncio
import queue
import re
import threading
from collections.abc import Coroutine
from itertools import count
from typing import Any

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import PassingError, Refusal, read_answer, read_refusal, with_usage
from opencharacter.llm.health import Health
from opencharacter.llm.pacing import Pace, backoff_s
from opencharacter.llm.requests import Completion, Finish, Request
from opencharacter.llm.wire import Wire
from opencharacter.records import Usage

_CLOSE_S = 30.0
_NOT_FOUND = 404
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def open_endpoint(config: ModelConfig, *, first_backoff_s: float = 0.5) -> "EndpointModel":
    """Return a model that asks the server at `config.base_url`; nothing is sent yet.

    Args:
        config: What is marked `endpoint only` there is used, and `model` and `seats`; the rest
            concerns engines of our own.
        first_backoff_s: Longest wait before the second try; it doubles with every further one.

    Raises:
        ModelError: `base_url` is no http address, or the key cannot stand in a header.
    """
    return EndpointModel(config, first_backoff_s=first_backoff_s)


class EndpointModel:
    """An OpenAI-compatible server as a `Model`; see `llm.requests`.

    A seat stays taken while its request waits for its next try, so that a server that says 429 sees
    fewer requests.
    """

    def __init__(self, config: ModelConfig, *, first_backoff_s: float) -> None:
        self.name = f"{config.model}@{config.revision or 'served'}"
        self.engine = "openai-endpoint"
        self.window = max(1, round(1.25 * config.seats))
        self._config = config
        self._first_backoff_s = first_backoff_s
        self._wire = Wire(config)
        self._seats = asyncio.Semaphore(config.seats)
        self._tasks: set[asyncio.Task[Completion]] = set()
        self._done: queue.SimpleQueue[tuple[int, Completion | BaseException]] = queue.SimpleQueue()
        self._in_flight = 0
        self._fault: BaseException | None = None
        self._health = Health(config)
        self._pace = Pace(
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
        )
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        # A daemon: a run that dies without `close` must not hang at exit.
        self._thread = threading.Thread(target=self._run_loop, name="endpoint", daemon=True)
        self._thread.start()

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request; `ticket` comes back with its completion."""
        if self._loop.is_closed():
            raise RuntimeError("submit after close")
        self._in_flight += 1
        self._loop.call_soon_threadsafe(self._start, ticket, self._answer(request))

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Wait until at least one request in flight is done, or the time is over.

        Returns all that are; with nothing in flight none.

        Raises:
            ModelError: The server cannot be used; answers that came before are returned first.
        """
        results: list[tuple[int, Completion]] = []
        while self._fault is None and self._in_flight and not (results and self._done.empty()):
            try:
                ticket, outcome = self._done.get(timeout=wait_s)
            except queue.Empty:
                break
            self._in_flight -= 1
            if isinstance(outcome, BaseException):
                self._fault = outcome
            else:
                results.append((ticket, outcome))
        if self._fault is not None and not results:
            raise self._fault
        return results

    def close(self) -> None:
        """Cancel what is in flight, close every connection, end the thread; twice is fine."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSE_S)

    def _run_loop(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with self._wire:
            await self._stop.wait()
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, ticket: int, answer: Coroutine[Any, Any, Completion]) -> None:
        task = self._loop.create_task(answer)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(ticket, done))

    def _finish(self, ticket: int, task: "asyncio.Task[Completion]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._done.put((ticket, task.exception() or task.result()))

    async def _answer(self, request: Request) -> Completion:
        """Ask until there is an answer, a refusal, or no try left."""
        if any(_LONE_SURROGATE.search(message.content) for message in request.messages):
            text = "the prompt holds a lone surrogate, which cannot be sent as UTF-8"
            return Completion(text=text, finish=Finish.error)
        if request.is_measured:
            text = "a server tells no probabilities of a text that it did not write"
            return Completion(text=text, finish=Finish.error)
        async with self._seats:
            last: PassingError | None = None
            wasted: list[Usage] = []
            for attempt in count():
                is_last = await self._is_last(attempt, last)
                charged = await self._pace.admit(request)
                try:
                    completion = await self._attempt(request)
                except PassingError as fault:
                    last = fault
                else:
                    self._pace.settle(charged, completion)
                    self._health.note_answer(completion)
                    return with_usage(completion, wasted)
                wasted.append(last.spent)
                self._health.note_failed_try(last)
                if is_last:
                    self._health.note_given_up(last)
                    text = f"{last} (given up after {attempt + 1} tries)"
                    return with_usage(Completion(text=text, finish=Finish.error), wasted)
                await asyncio.sleep(
                    backoff_s(attempt, first_s=self._first_backoff_s, asked_s=last.wait_s)
                )
        raise AssertionError("a count does not end")

    async def _is_last(self, attempt: int, last: PassingError | None) -> bool:
        """Tell whether the try that comes is a request's last; raise where the server is at fault.

        The last try is made at a server that is there: while it is gone, no request is given up.
        """
        is_silent = self._health.silent_s > self._config.patience_s
        if attempt < self._config.max_retries and not is_silent:
            return False
        if last is None or await self._is_there():
            return True
        self._health.note_silence(last)
        return False

    async def _is_there(self) -> bool:
        """Tell whether the server answers a simple question."""
        is_there = await self._wire.is_there()
        self._health.is_reached |= is_there
        return is_there

    async def _attempt(self, request: Request) -> Completion:
        """Send the request once; raise `PassingError` where another try may help."""
        reply = await self._wire.ask(request)
        self._health.is_reached = True
        refusal = reply.refusal
        if refusal is None:
            return read_answer(reply.body, self._config, labels=request.labels)
        if refusal.status == _NOT_FOUND:
            raise await self._no_such_model(refusal)
        return read_refusal(refusal, self._config)

    async def _no_such_model(self, refusal: Refusal) -> ModelError:
        """Return the error to raise at a 404, with the names that the server does have."""
        served = await self._wire.model_names()
        known = f"it serves {', '.join(served[:10])}" if served else "does base_url end in /v1?"
        return ModelError(
            f"{self._config.base_url} knows no model '{self._config.model}' "
            f"(HTTP 404: {refusal.message}); {known}"
        )
