"""Two models that one piece of work asks: the one under test, and one that talks with it."""

import time

from opencharacter.llm.requests import Completion, Model, Request

_PAUSE_S = 0.005


class TwoModels:
    """A `Model` that hands requests with `to` to a second one.

    Name, window and engine are the first one's: records and keys of its requests are as if it were
    alone.
    """

    def __init__(self, first: Model, second: Model) -> None:
        """Take both as they are; whoever opened them closes them."""
        self.name = first.name
        self.window = first.window
        self._first = first
        self._both = (first, second)
        self._in_flight: tuple[set[int], set[int]] = (set(), set())

    @property
    def engine(self) -> str:
        """Back end and version of the first one."""
        return self._first.engine

    def submit(self, ticket: int, request: Request) -> None:
        """Start a request at the model that it is for."""
        place = 1 if request.to else 0
        self._in_flight[place].add(ticket)
        self._both[place].submit(ticket, request)

    def collect(self, wait_s: float = 1.0) -> list[tuple[int, Completion]]:
        """Return what is done at either; one with nothing in flight is not waited for.

        Where both have something neither is waited for: an engine of this process would stand still
        while a server takes its time.
        """
        done: list[tuple[int, Completion]] = []
        is_either = all(self._in_flight)
        began = time.monotonic()
        for model, tickets in zip(self._both, self._in_flight, strict=True):
            if tickets:
                found = model.collect(0.0 if is_either else wait_s)
                tickets -= {ticket for ticket, _ in found}
                done += found
        if is_either and not done and time.monotonic() - began < _PAUSE_S:
            time.sleep(_PAUSE_S)  # two servers: looking without end would take a core
        return done

    def close(self) -> None:
        """Leave both to whoever opened them."""
