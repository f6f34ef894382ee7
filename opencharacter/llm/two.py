"""Two models that one piece of work asks: the one under test, and one that talks with it."""

from opencharacter.llm.requests import Completion, Model, Request


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

    def collect(self) -> list[tuple[int, Completion]]:
        """Return what is done at either; one with nothing in flight is not waited for."""
        done: list[tuple[int, Completion]] = []
        for model, tickets in zip(self._both, self._in_flight, strict=True):
            if tickets:
                found = model.collect()
                tickets -= {ticket for ticket, _ in found}
                done += found
        return done

    def close(self) -> None:
        """Leave both to whoever opened them."""
