"""What a server in trouble sees of us: few tries, spread out, and an end."""

from itertools import pairwise
from statistics import median
from time import monotonic, sleep

import pytest

from opencharacter.errors import ModelError
from opencharacter.llm.requests import Finish
from tests.llm.serving import ask, collect_all, failure, one, reply, serving


def gaps(server):
    """Return the seconds between tries of each question."""
    return [[b - a for a, b in pairwise(times)] for times in server.times.values()]


def test_tries_come_at_growing_and_scattered_distances():
    with serving(
        lambda _, try_: failure(503) if try_ <= 4 else reply(),
        backoff_s=0.1,
        seats=32,
        max_retries=4,
    ) as (model, server):
        for ticket in range(32):
            model.submit(ticket, ask(str(ticket)))
        results = collect_all(model, 32)

    assert {completion.finish for _, completion in results} == {Finish.stop}
    assert len(server.bodies) == 32 * 5  # a try is a request: nothing asks on top of it
    waits = [[found[attempt] for found in gaps(server)] for attempt in range(4)]
    # Ceilings of 0.1 and 0.8 s; a busy machine adds to both.
    assert median(waits[3]) - min(waits[0]) > 0.15
    assert max(waits[3]) - min(waits[3]) > 0.4
    # The last tries of 32 requests that began together are spread over a good part of a second.
    last = sorted(times[-1] for times in server.times.values())
    assert last[-1] - last[0] > 0.4


def test_an_overloaded_server_is_asked_less_the_longer_it_lasts():
    start = monotonic()
    with serving(
        lambda *_: reply() if monotonic() - start > 3 else failure(429),
        backoff_s=0.1,
        seats=16,
        max_retries=20,
    ) as (model, server):
        for ticket in range(16):
            model.submit(ticket, ask(str(ticket)))
        sleep(3)
        asked = [time - start for times in server.times.values() for time in times]

    # Mean waits of 0.05, 0.1, 0.2, 0.4, 0.8: five tries in two seconds, one or none in the third.
    assert 16 <= sum(time < 2 for time in asked) <= 16 * 8
    assert sum(2 <= time < 3 for time in asked) <= 16 * 2


def test_those_who_are_told_to_wait_do_not_come_back_together():
    def answer(_, try_):
        return reply() if try_ > 1 else failure(429, headers={"Retry-After": "1"})

    with serving(answer, seats=32) as (model, server):
        for ticket in range(32):
            model.submit(ticket, ask(str(ticket)))
        collect_all(model, 32)

    waited = [found for [found] in gaps(server)]
    assert min(waited) >= 0.99
    assert max(waited) - min(waited) > 0.1


def test_a_limit_of_requests_a_minute_is_kept():
    with serving(lambda *_: reply(), seats=16, requests_per_minute=1200) as (model, server):
        for ticket in range(30):
            model.submit(ticket, ask(str(ticket)))
        collect_all(model, 30)

    times = sorted(time for times in server.times.values() for time in times)
    assert times[-1] - times[0] > 29 * 0.05 - 0.1


def test_no_request_is_given_up_while_the_server_is_gone():
    with serving(lambda *_: reply(), seats=4, max_retries=1) as (model, server):
        one(model)
        server.is_down = True
        for ticket in range(8):
            model.submit(ticket, ask(str(ticket)))
        sleep(1)
        server.is_down = False
        results = collect_all(model, 8)

    assert {completion.finish for _, completion in results} == {Finish.stop}


def test_a_server_that_stays_away_stops_the_run_once_patience_is_over():
    with serving(lambda *_: reply(), seats=4, max_retries=1, patience_s=0.5) as (model, server):
        one(model)
        server.is_down = True
        start = monotonic()
        model.submit(1, ask("anybody?"))
        with pytest.raises(ModelError, match=r"answered nothing for .* run the same command again"):
            collect_all(model, 1)

    assert 0.5 <= monotonic() - start < 5


def test_a_request_that_only_ever_stalls_is_given_up_alone():
    def answer(question, _):
        sleep(0.5 if question == "stall" else 0)
        return reply()

    with serving(answer, timeout_s=0.2, max_retries=1) as (model, _):
        completion = one(model, ask("stall"))
        other = one(model, ask("hello"))

    assert completion.finish is Finish.error
    assert completion.text == "no answer within 0.2 s (given up after 2 tries)"
    assert other.finish is Finish.stop


def test_another_models_answers_are_asked_for_again_and_paid_for():
    def answer(_, try_):
        return reply(model="mistral") if try_ < 3 else reply()

    with serving(answer) as (model, _):
        completion = one(model)

    assert completion.finish is Finish.stop
    assert (completion.prompt_tokens, completion.output_tokens) == (21, 9)


def test_a_server_with_another_model_is_told_apart_within_five_answers():
    with serving(lambda *_: reply(model="mistral"), max_retries=8) as (model, server):
        model.submit(0, ask())
        with pytest.raises(ModelError, match="'mistral' instead of 'llama', 5 times"):
            collect_all(model, 1)

    assert len(server.bodies) == 5
