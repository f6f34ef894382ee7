"""Keep an engine full of sessions: no barrier between turns, and no session delays another."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from opencharacter.llm.requests import Completion, Finish, Model, Session
from opencharacter.records import Rejection, to_row

Owner = TypeVar("Owner")
Outcome = TypeVar("Outcome")

_NOT_LOGGED = {Finish.error}
"""A request that failed in the engine or on the way is asked again by the next process."""


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
    key: str = ""


def run_sessions(
    model: Model,
    sessions: Iterable[Admitted[Owner, Outcome]],
    *,
    heard: Callable[[Completion], None] = lambda completion: None,
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
    """
    waiting = iter(sessions)
    flying: dict[int, _Live[Owner, Outcome]] = {}
    ticket = 0
    exhausted = False
    while True:
        while not exhausted and len(flying) < model.window:
            admitted = next(waiting, None)
            if admitted is None:
                exhausted = True
                break
            live = _Live(admitted)
            result = _advance(live, None, model, ticket)
            if result is None:
                flying[ticket] = live
                ticket += 1
            else:
                yield admitted.owner, result
        if not flying:
            return
        for done, completion in model.collect():
            live = flying.pop(done)
            heard(completion)
            if completion.finish not in _NOT_LOGGED:
                live.admitted.log.append(live.key, to_row(completion))
            result = _advance(live, completion, model, ticket)
            if result is None:
                flying[ticket] = live
                ticket += 1
            else:
                yield live.admitted.owner, result


def _advance(
    live: _Live[Owner, Outcome], completion: Completion | None, model: Model, ticket: int
) -> Outcome | Rejection | None:
    """Run a session to its next unanswered request and submit it, or to its result."""
    session = live.admitted.session
    try:
        request = next(session) if completion is None else session.send(completion)
        while True:
            live.key = request.key(model.name)
            logged = live.admitted.log.get(live.key)
            if logged is None:
                break
            request = session.send(completion_from_log(logged))
    except StopIteration as end:
        result: Outcome | Rejection = end.value
        return result
    model.submit(ticket, request)
    return None


def completion_from_log(logged: dict[str, Any]) -> Completion:
    """Return the completion of a log entry."""
    return Completion(
        text=logged["text"],
        finish=Finish(logged["finish"]),
        prompt_tokens=logged["prompt_tokens"],
        cached_tokens=logged["cached_tokens"],
        output_tokens=logged["output_tokens"],
    )
