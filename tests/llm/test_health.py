import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import OTHER_MODEL, PassingError
from opencharacter.llm.health import Health
from opencharacter.llm.requests import Completion, Finish

GOOD = Completion(text="Good day.", finish=Finish.stop)
GONE = PassingError("the connection failed", "ConnectError refused")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def health(clock=None, **settings):
    config = ModelConfig(backend=Backend.endpoint, model="llama", base_url="http://x", **settings)
    return Health(config, clock=clock or Clock())


def test_silence_is_counted_from_the_first_of_three_failed_tries():
    clock = Clock()
    server = health(clock)
    server.note_failed_try(GONE)
    clock.now += 10
    server.note_failed_try(GONE)
    assert server.silent_s == 0

    server.note_failed_try(GONE)
    assert server.silent_s == 10

    server.note_answer(GOOD)
    assert server.silent_s == 0


def test_a_server_that_asks_for_time_is_not_silent():
    clock = Clock()
    server = health(clock)
    for _ in range(5):
        server.note_failed_try(PassingError("HTTP 429", wait_s=60))
        clock.now += 60

    assert server.silent_s == 0


def test_a_server_that_is_gone_for_too_long_is_told_with_its_last_words():
    clock = Clock()
    server = health(clock, patience_s=30)
    server.is_reached = True
    for _ in range(3):
        server.note_failed_try(GONE)
    server.note_silence(GONE)
    clock.now += 31

    with pytest.raises(ModelError, match=r"nothing for 31 s \(last: .*ConnectError refused\)"):
        server.note_silence(GONE)


def test_one_absurd_wait_stops_no_run_and_three_in_a_row_do():
    server = health()
    absurd = PassingError("HTTP 429", "quota", wait_s=86400)
    for _ in range(10):
        server.note_failed_try(absurd)
        server.note_failed_try(absurd)
        server.note_answer(GOOD)
    server.note_failed_try(absurd)
    server.note_failed_try(absurd)

    with pytest.raises(ModelError, match=r"asks to wait 86400 s \(HTTP 429: quota\)"):
        server.note_failed_try(absurd)


def test_a_server_that_only_ever_answers_as_another_model_stops_the_run():
    server = health()
    other = PassingError(OTHER_MODEL, "'mistral' instead of 'llama'")
    for _ in range(4):
        server.note_failed_try(other)

    with pytest.raises(ModelError, match=r"'mistral' instead of 'llama', 5 times .*answers_as"):
        server.note_failed_try(other)
