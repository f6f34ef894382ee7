"""Keep an engine full of sessions: no barrier between turns, and no session delays another."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from opencharacter.llm.requests import Completion, Finish, Model, Session
from opencharacter.llm.stopping import Stopping
from opencharacter.records import Rejection, to_row

Owner = TypeVar("Owner")
Outcome = TypeVar("Outcome")

_NOT_LOGGED = {Finish.error, Finish.too_long}
"""A request that failed in the engine or on the way is asked again by the next process, and one
that had no room: it costs no token, and the next process may give it more."""


class Log(Protocol):
    """Where completions are kept: `store.completions.CompletionLog`, or a dictionary in tests."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what was appended under `key`, or None."""

    def append(self, key: str, completion: dict[str, Any]) -> None:
        """Keep a completion."""


@dataclass(frozen=True, slots=True)
class Admitted(Generic[Owner, Outcome]):
    """A session with the log of its part, and whatever its results are handed back with."""

    owner: Owner
    session: Session[Outcome]
    log: Log


@dataclass(slots=True)
class _Live(Generic[Owner, Outcome]):
    admitted: Admitted[Owner, Outcome]
    model_name: str
    key: str = ""
    asked_at: float = 0.0
    """When the request that is in flight was submitted, on the monotonic clock."""


def run_sessions(
    model: Model,
    sessions: Iterable[Admitted[Owner, Outcome]],
    *,
    heard: Callable[[Completion], None] = lambda completion: None,
    stopping: Stopping | None = None,
) -> Iterator[tuple[Owner, Outcome | Rejection]]:
    """Yield each session's owner and result as they finish, in no particular order.

    A rolling window of `model.window` requests is kept in flight. Sessions are drawn one at a time,
    only when there is room, so millions cost no memory. As soon as a session gets its completion
    its next request enters the running batch. A request whose completion is in the log is not made
    again: a killed session replays its finished turns at once.

    Args:
        model: Where requests go.
        sessions: In the order in which they should start; neighbours should share prompt prefixes.
        heard: Called with each new completion, not with replayed ones.
        stopping: Once it has a reason, nothing new is asked: running requests end and are logged,
            and sessions that need no more of them finish.
    """
    stopping = stopping or Stopping()
    waiting = iter(sessions)
    flying: dict[int, _Live[Owner, Outcome]] = {}
    ticket = 0
    exhausted = False
    while True:
        while not exhausted and not stopping.reason and len(flying) < model.window:
            admitted = next(waiting, None)
            if admitted is None:
                exhausted = True
                break
            live = _Live(admitted, model.name)
            result = _advance(live, None, model, ticket)
            if result is None:
                flying[ticket] = live
                ticket += 1
            else:
                yield admitted.owner, result
        if not flying or stopping.is_over:
            return
        for done, completion in model.collect():
            live = flying.pop(done)
            heard(completion)
            stopping.heard(completion)
            stopping.took(time.monotonic() - live.asked_at)
            if completion.finish not in _NOT_LOGGED:
                live.admitted.log.append(live.key, to_row(completion))
            asked = None if stopping.reason else model
            result = _advance(live, completion, asked, ticket)
            if result is not None:
                yield live.admitted.owner, result
            elif asked:
                flying[ticket] = live
                ticket += 1


def _advance(
    live: _Live[Owner, Outcome], completion: Completion | None, asked: Model | None, ticket: int
) -> Outcome | Rejection | None:
    """Run a session to its next unanswered request and submit it, or to its result.

    Without a model to ask the request is not made.
    """
    session = live.admitted.session
    try:
        request = next(session) if completion is None else session.send(completion)
        while True:
            live.key = request.key(live.model_name)
            logged = live.admitted.log.get(live.key)
            if logged is None or Finish(logged["finish"]) in _NOT_LOGGED:  # as older logs hold
                break
            request = session.send(completion_from_log(logged))
    except StopIteration as end:
        result: Outcome | Rejection = end.value
        return result
    if asked:
        asked.submit(ticket, request)
        live.asked_at = time.monotonic()
    return None


def completion_from_log(logged: dict[str, Any]) -> Completion:
    """Return the completion of a log entry."""
    found, losses = logged.get("probabilities"), logged.get("losses")
    return Completion(
        text=logged["text"],
        finish=Finish(logged["finish"]),
        prompt_tokens=logged["prompt_tokens"],
        cached_tokens=logged["cached_tokens"],
        output_tokens=logged["output_tokens"],
        probabilities=None if found is None else tuple(found),
        losses=None if losses is None else tuple(losses),
        served=logged.get("served", ""),
    )
