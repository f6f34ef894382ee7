"""Any OpenAI-compatible server: a vLLM server of your own, or a hosted API.

`submit` and `collect` are called from one thread; an asyncio loop in a background thread keeps up
to `seats` requests on the wire. What can go wrong is sorted into three:

- a passing fault (429, 5xx, cut connection, no answer in time, unreadable answer) is tried again,
  and becomes `Finish.error` when the tries are used up;
- a refusal of this one request (400, 413, 422 ...) is data: a `Completion` that says so;
- a fault of the set-up (key, model name, nobody listening, or most requests failing) ends the run
  with a `ModelError`, raised by `collect`.
"""

import asyncio
import json
import os
import queue
import random
import re
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import openai

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.requests import Completion, Finish, Request

_LONGEST_BACKOFF_S = 60.0
_LONGEST_WAIT_S = 900.0
_CONNECT_S = 30.0
_SEATS_A_CLIENT = 32  # for every request a client looks at all of its connections
_BREAKER_WINDOW = 50
_BREAKER_MINIMUM = 20
_REFUSED = "refused"

_PASSING_STATUS = frozenset({408, 409, 425, 429})  # and 5xx
_UNPAID_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
# Servers word it differently; OpenAI alone has a code for it.
_TOO_LONG = re.compile(
    r"context[ _](length|window)|maximum (model|input|prompt) length|max_model_len"
    r"|(prompt|input) is too long",
    re.IGNORECASE,
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_FINISHES = {"stop": Finish.stop, "length": Finish.length, "content_filter": Finish.filtered}


class _PassingError(Exception):
    """What a later try may not meet again."""

    def __init__(self, kind: str, detail: str = "", *, wait_s: float | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        """A short word without details: the breaker counts by it."""
        self.wait_s = wait_s
        """What the server asked for; None = it did not say."""


def open_endpoint(config: ModelConfig, *, backoff_s: float = 0.5) -> "EndpointModel":
    """Return a model that asks the server at `config.base_url`; nothing is sent yet.

    Args:
        config: `base_url`, `model`, `seats`, `timeout_s`, `max_retries`, `api_key_env` and
            `structured_output` are used; the rest concerns engines of our own.
        backoff_s: Mean wait before the first retry is half of this; it doubles with every try.

    Raises:
        ModelError: `base_url` is no http address, or the key cannot stand in a header.
    """
    return EndpointModel(config, backoff_s=backoff_s)


class EndpointModel:
    """An OpenAI-compatible server as a `Model`; see `llm.requests`.

    Back-off is exponential with full jitter (Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015); a seat stays taken while its request waits, so that a server that says
    429 sees fewer requests.
    """

    def __init__(self, config: ModelConfig, *, backoff_s: float) -> None:
        self.name = f"{config.model}@{config.revision or 'served'}"
        self.engine = f"openai-endpoint {openai.__version__}"
        self.window = max(1, round(1.25 * config.seats))
        self._config = config
        self._backoff_s = backoff_s
        self._clients = [_open_client(config) for _ in range(-(-config.seats // _SEATS_A_CLIENT))]
        self._seats: asyncio.Queue[openai.AsyncOpenAI] = asyncio.Queue()
        for seat in range(config.seats):
            self._seats.put_nowait(self._clients[seat // _SEATS_A_CLIENT])
        self._tasks: set[asyncio.Task[Completion]] = set()
        self._done: queue.SimpleQueue[tuple[int, Completion | BaseException]] = queue.SimpleQueue()
        self._in_flight = 0
        self._fault: BaseException | None = None
        self._health = _Health()
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

    def collect(self) -> list[tuple[int, Completion]]:
        """Wait until at least one request in flight is done; return all that are.

        With nothing in flight the list is empty.

        Raises:
            ModelError: The server cannot be used; answers that came before are returned first.
        """
        results: list[tuple[int, Completion]] = []
        while self._fault is None and self._in_flight and not (results and self._done.empty()):
            ticket, outcome = self._done.get()
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
        self._thread.join(_CONNECT_S)

    def _run_loop(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            for client in self._clients:
                await stack.enter_async_context(client)
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
            return _error("the prompt holds a lone surrogate, which cannot be sent as UTF-8")
        last = _PassingError("never tried")
        async with self._seat() as client:
            for attempt in range(self._config.max_retries + 1):
                try:
                    completion = await self._attempt(request, client)
                except _PassingError as fault:
                    last = fault
                else:
                    self._health.note_answer(completion)
                    return completion
                if attempt < self._config.max_retries:
                    await asyncio.sleep(self._delay_s(attempt, last))
        if not self._health.is_reached:
            raise ModelError(
                f"nothing answers at {self._config.base_url} ({last}); "
                "start the server, or correct base_url"
            )
        self._health.note_fault(last.kind, self._config)
        return _error(f"{last} (given up after {self._config.max_retries + 1} tries)")

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[openai.AsyncOpenAI]:
        client = await self._seats.get()
        try:
            yield client
        finally:
            self._seats.put_nowait(client)

    async def _attempt(self, request: Request, client: openai.AsyncOpenAI) -> Completion:
        """Send the request once; raise `_PassingError` where another try may help."""
        try:
            # The client's own time-out starts anew with every byte that arrives.
            async with asyncio.timeout(self._config.timeout_s):
                body = await self._send(request, client)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise _PassingError(f"no answer within {self._config.timeout_s:g} s") from error
        except openai.APIConnectionError as error:
            cause = error.__cause__
            detail = f"{type(cause).__name__} {cause}".strip()
            raise _PassingError("the connection failed", detail) from error
        except openai.APIStatusError as error:
            self._health.is_reached = True
            if error.status_code == 404:
                raise await self._no_such_model(error) from error
            return _refusal(error, self._config)
        self._health.is_reached = True
        return _read_answer(body)

    async def _send(self, request: Request, client: openai.AsyncOpenAI) -> bytes:
        body: dict[str, Any] = {
            "model": self._config.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
            "seed": request.seed,
        }
        if request.schema is not None and self._config.structured_output:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": request.schema, "strict": True},
            }
        # `chat.completions.create` looks through all types, and takes what is no JSON as text.
        return await client.post("/chat/completions", cast_to=bytes, body=body)

    def _delay_s(self, attempt: int, fault: _PassingError) -> float:
        ceiling = min(self._backoff_s * 2**attempt, _LONGEST_BACKOFF_S)
        # Jitter is the one draw that no result hangs on, so it needs no seed.
        return (fault.wait_s or 0.0) + random.uniform(0, ceiling)

    async def _no_such_model(self, error: openai.APIStatusError) -> ModelError:
        """Return the error to raise at a 404, with the names that the server does have."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                served = [model.id async for model in self._clients[0].models.list()]
        except (TimeoutError, ValueError, openai.OpenAIError):
            served = []
        known = f"it serves {', '.join(served[:10])}" if served else "does base_url end in /v1?"
        return ModelError(
            f"{self._config.base_url} knows no model '{self._config.model}' "
            f"(HTTP 404: {_message(error)}); {known}"
        )


class _Health:
    """Whether the server is of any use: reached at all, and how the last requests ended."""

    def __init__(self) -> None:
        self.is_reached = False
        self._last: deque[str | None] = deque(maxlen=_BREAKER_WINDOW)  # None: an answer

    def note_answer(self, completion: Completion) -> None:
        """Count a request that the server dealt with.

        Raises:
            ModelError: At least half of the last 50 requests, of 20 or more, were refused.
        """
        is_refused = completion.finish is Finish.error
        self._last.append(_REFUSED if is_refused else None)
        refused = self._last.count(_REFUSED)
        if is_refused and self._are_too_many(refused):
            raise ModelError(
                f"the server refused {refused} of the last {len(self._last)} requests, this one as "
                f"'{completion.text}'; if it cannot do JSON schemas, set structured_output=false"
            )

    def note_fault(self, kind: str, config: ModelConfig) -> None:
        """Count a request whose tries are used up.

        Raises:
            ModelError: At least half of the last 50 requests, of 20 or more, ended so.
        """
        self._last.append(kind)
        kinds = Counter(entry for entry in self._last if entry not in (None, _REFUSED))
        if not self._are_too_many(kinds.total()):
            return
        commonest, times = kinds.most_common(1)[0]
        raise ModelError(
            f"{kinds.total()} of the last {len(self._last)} requests to {config.base_url} failed "
            f"after {config.max_retries + 1} tries each, {times} with '{commonest}'; look at the "
            "server or lower seats, then run the same command again: finished answers are kept"
        )

    def _are_too_many(self, failed: int) -> bool:
        return len(self._last) >= _BREAKER_MINIMUM and 2 * failed >= len(self._last)


def _open_client(config: ModelConfig) -> openai.AsyncOpenAI:
    url = config.base_url or ""
    if not url.startswith(("http://", "https://")):
        raise ModelError(f"base_url is '{url}'; it must begin with http:// or https://")
    key = os.environ.get(config.api_key_env, "").strip() or "none"
    if not (key.isascii() and key.isprintable()):
        raise ModelError(f"the key in {config.api_key_env} holds characters that no key has")
    # The client takes the limits class of whichever HTTP library it was built on.
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
        max_connections=_SEATS_A_CLIENT, max_keepalive_connections=_SEATS_A_CLIENT
    )
    timeout = openai.Timeout(config.timeout_s, connect=min(_CONNECT_S, config.timeout_s))
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=url,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout),
    )


def _error(text: str) -> Completion:
    return Completion(text=text, finish=Finish.error)


def _refusal(error: openai.APIStatusError, config: ModelConfig) -> Completion:
    """Return what a status says of this request, or raise what it says of the set-up."""
    status, message = error.status_code, _message(error)
    if status in (401, 403):
        raise ModelError(
            f"{config.base_url} refuses the key (HTTP {status}: {message}); "
            f"export {config.api_key_env}=<your key>"
        ) from error
    if status == 402 or error.code in _UNPAID_CODES:
        raise ModelError(
            f"the account at {config.base_url} is used up (HTTP {status}: {message}); raise its "
            "limit, then run the same command again: finished answers are kept"
        ) from error
    if status in _PASSING_STATUS or status >= 500:
        wait_s = _retry_after_s(error.response.headers.get("retry-after"))
        if wait_s is not None and wait_s > _LONGEST_WAIT_S:
            raise ModelError(
                f"{config.base_url} asks to wait {wait_s:.0f} s (HTTP {status}: {message}); run "
                "the same command again then: finished answers are kept"
            ) from error
        raise _PassingError(f"HTTP {status}", message, wait_s=wait_s) from error
    if error.code == "content_filter":
        return Completion(text=message, finish=Finish.filtered)
    if error.code == "context_length_exceeded" or _TOO_LONG.search(message):
        return Completion(text=message, finish=Finish.too_long)
    return _error(f"HTTP {status}: {message}")


def _message(error: openai.APIStatusError) -> str:
    """Return the server's own words on one line, at most 300 characters."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else body
    return " ".join(str(said or error.message).split())[:300]


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds in a Retry-After header, a number or a date; None = none given."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header.strip()):
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None


def _read_answer(body: bytes) -> Completion:
    """Return the completion in the body of a 200, or raise `_PassingError` if there is none."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise _PassingError("the answer is no JSON", repr(body[:80])) from error
    try:
        choice = answer["choices"][0]
        message, reason = choice["message"], choice["finish_reason"]
        refusal, text = message.get("refusal"), message.get("content") or ""
        counts = _token_counts(answer.get("usage") or {})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _PassingError("the answer is no chat completion", repr(body[:200])) from error
    if not isinstance(text, str) or not isinstance(reason, str):
        raise _PassingError("the answer is no chat completion", repr(body[:200]))
    if refusal:
        return Completion(text=str(refusal), finish=Finish.filtered, **counts)
    if reason not in _FINISHES:
        return _error(f"the server ended with finish_reason '{reason}'")
    return Completion(text=text, finish=_FINISHES[reason], **counts)


def _token_counts(usage: dict[str, Any]) -> dict[str, int]:
    details = usage.get("prompt_tokens_details") or {}
    return {
        "prompt_tokens": int(usage.get("prompt_tokens") or 0),
        "cached_tokens": int(details.get("cached_tokens") or 0),
        "output_tokens": int(usage.get("completion_tokens") or 0),
    }
