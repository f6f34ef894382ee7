"""When a request may go: back-off after a fault, and limits of requests and tokens a minute."""

import asyncio
import random
import time
from collections.abc import Callable

from opencharacter.llm.health import LONGEST_WAIT_S
from opencharacter.llm.requests import Completion, Request

LONGEST_BACKOFF_S = 60.0

_JITTER = 0.25  # of a wait that the server asked for, so that not all come back at once
_DOUBLINGS = 16
_CHARACTERS_PER_TOKEN = 4


def backoff_s(attempt: int, *, first_s: float, asked_s: float | None) -> float:
    """Return how long to wait after try number `attempt`, from 0.

    What the server asked for, up to 15 minutes, and full jitter on top: uniform between 0 and a
    ceiling that doubles with every try, up to a minute.

    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: The try that failed.
        first_s: Ceiling after the first.
        asked_s: Retry-After; None = not said.
    """
    ceiling = min(first_s * 2 ** min(attempt, _DOUBLINGS), LONGEST_BACKOFF_S)
    wait = asked_s if asked_s is not None and asked_s <= LONGEST_WAIT_S else 0.0
    # Jitter is the one draw that no result hangs on, so it needs no seed.
    return wait + random.uniform(0, max(ceiling, _JITTER * wait))


class Pace:
    """Spreads requests evenly, so that no minute sees more requests or tokens than allowed.

    A request is charged with the mean of the answers so far before it goes, and with what it really
    took when its answer is there.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None,
        tokens_per_minute: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without debts; None = no limit."""
        self._request_s = 60 / requests_per_minute if requests_per_minute else 0.0
        self._token_s = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._clock = clock
        self._request_at = self._tokens_at = clock()
        self._answers = self._tokens = 0

    async def admit(self, request: Request) -> float:
        """Wait until the request may go; return the tokens that it was charged with."""
        if not (self._request_s or self._token_s):
            return 0.0
        now = self._clock()
        charged = self._expected(request)
        at = max(now, self._request_at, self._tokens_at)
        self._request_at = at + self._request_s
        self._tokens_at = max(now, self._tokens_at) + charged * self._token_s
        await asyncio.sleep(at - now)
        return charged

    def settle(self, charged: float, completion: Completion) -> None:
        """Put what an answer took in the place of what was expected of it."""
        used = completion.prompt_tokens + completion.output_tokens
        self._answers += 1
        self._tokens += used
        self._tokens_at += (used - charged) * self._token_s

    def _expected(self, request: Request) -> float:
        if self._answers:
            return self._tokens / self._answers
        characters = sum(len(message.content) for message in request.messages)
        return characters / _CHARACTERS_PER_TOKEN + request.sampling.max_tokens
