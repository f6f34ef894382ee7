import asyncio
import statistics

import pytest

from opencharacter.llm.pacing import Pace, backoff_s
from opencharacter.llm.requests import Completion, Finish, Request, Sampling
from opencharacter.records import Message, Role


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(0, 0.5), (1, 1), (4, 8), (6, 32), (7, 60), (5000, 60)]
)
def test_waits_are_spread_evenly_below_a_ceiling_that_doubles_up_to_a_minute(attempt, ceiling):
    waits = [backoff_s(attempt, first_s=0.5, asked_s=None) for _ in range(2000)]

    assert 0 <= min(waits) < 0.05 * ceiling
    assert 0.95 * ceiling < max(waits) <= ceiling
    assert statistics.mean(waits) == pytest.approx(ceiling / 2, rel=0.1)


def test_what_the_server_asks_for_is_waited_for_and_nobody_comes_back_at_once():
    waits = [backoff_s(0, first_s=0.5, asked_s=100) for _ in range(500)]

    assert min(waits) >= 100
    assert 20 < max(waits) - min(waits) <= 25


def test_an_absurd_wait_is_not_waited_for():
    assert backoff_s(0, first_s=0.5, asked_s=3e9) <= 0.5


REQUEST = Request(
    messages=(Message(role=Role.user, content="x" * 400),),  # about 100 tokens
    sampling=Sampling(temperature=0, top_p=1, max_tokens=50),
    seed=0,
)


def admitted(pace, n, monkeypatch, *, used=None):
    """Return the waits of n requests that come at once, each answered with `used` tokens."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    async def all_of_them():
        for _ in range(n):
            charged = await pace.admit(REQUEST)
            if used is not None:
                answer = Completion(text="", finish=Finish.stop, output_tokens=used)
                pace.settle(charged, answer)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(all_of_them())
    return waits


def pace(**limits):
    limits = {"requests_per_minute": None, "tokens_per_minute": None, **limits}
    return Pace(**limits, clock=lambda: 1000.0)


def test_without_limits_nobody_waits(monkeypatch):
    assert admitted(pace(), 3, monkeypatch) == []


def test_requests_go_evenly_spread_over_the_minute(monkeypatch):
    assert admitted(pace(requests_per_minute=30), 4, monkeypatch) == [0, 2, 4, 6]


def test_before_the_first_answer_a_request_counts_as_its_prompt_and_longest_answer(monkeypatch):
    # 150 tokens each, 600 a minute
    assert admitted(pace(tokens_per_minute=600), 4, monkeypatch) == [0, 15, 30, 45]


def test_afterwards_a_request_counts_as_what_others_took(monkeypatch):
    # 50 tokens each, 600 a minute
    assert admitted(pace(tokens_per_minute=600), 4, monkeypatch, used=50) == [0, 5, 10, 15]
