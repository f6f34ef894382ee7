import threading
from collections import Counter
from dataclasses import replace
from email.utils import formatdate
from time import monotonic, sleep, time

import pytest

from opencharacter.config import Backend, ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.endpoint import open_endpoint
from opencharacter.llm.requests import Finish
from tests.llm.serving import ask, collect_all, failure, one, reply, serving, submit_all


def test_a_request_carries_messages_sampling_seed_and_schema():
    schema = {"type": "object"}
    with serving(lambda *_: reply()) as (model, server):
        one(model, ask(schema=schema, seed=42))

    [body] = server.bodies
    assert body["model"] == "llama"
    assert body["messages"][0] == {"role": "system", "content": "Be Ada."}
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.5, 0.9, 20)
    assert body["seed"] == 42
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert body["response_format"]["json_schema"]["strict"] is True


def test_a_server_without_schemas_is_sent_none():
    with serving(lambda *_: reply(), structured_output=False) as (model, server):
        one(model, ask(schema={"type": "object"}))

    assert "response_format" not in server.bodies[0]


def test_tokens_are_the_servers_own_counts():
    with serving(lambda *_: reply()) as (model, _):
        answer = one(model)

    assert (answer.prompt_tokens, answer.cached_tokens, answer.output_tokens) == (7, 5, 3)


CALLED = "the server ended with finish_reason 'tool_calls'"
LIMIT, VLLM_LIMIT = "maximum context length is 10", "longer than the maximum model length of 9"
ENDS = {
    "stop": (reply("Hi."), Finish.stop, "Hi."),
    "length": (reply("Hi, I", "length"), Finish.length, "Hi, I"),
    "filter": (reply("", "content_filter"), Finish.filtered, ""),
    "empty": (reply(""), Finish.stop, ""),
    "null content": (reply(None), Finish.stop, ""),
    "refusal": (reply(None, refusal="I won't."), Finish.filtered, "I won't."),
    "tool call": (reply(None, "tool_calls"), Finish.error, CALLED),
    "too long": (failure(400, LIMIT), Finish.too_long, LIMIT),
    "too long, vLLM": (failure(400, VLLM_LIMIT), Finish.too_long, VLLM_LIMIT),
    "too long, code": (failure(400, "!", code="context_length_exceeded"), Finish.too_long, "!"),
    "filter 400": (failure(400, "rude", code="content_filter"), Finish.filtered, "rude"),
    "400": (failure(400, "bad\nseed"), Finish.error, "HTTP 400: bad seed"),
    "422": (failure(422, "no list"), Finish.error, "HTTP 422: no list"),
}


@pytest.mark.parametrize(("answer", "finish", "text"), ENDS.values(), ids=ENDS)
def test_each_end_of_an_answer_has_its_finish_and_is_asked_once(answer, finish, text):
    with serving(lambda *_: answer) as (model, server):
        completion = one(model)

    assert (completion.finish, completion.text) == (finish, text)
    assert len(server.bodies) == 1


PASSING = {
    "429": failure(429),
    "500": failure(500),
    "503, odd Retry-After": failure(503, headers={"Retry-After": "soon"}),
    "cut connection": None,
    "cut JSON": (200, '{"choices": [', {}),
    "not an object": (200, "[]", {}),
    "no choice": (200, '{"choices": []}', {}),
    "error in a 200": (200, '{"error": {"message": "overloaded"}}', {}),
    "no finish reason": reply(finish=None),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_passing_fault_is_tried_again(fault):
    with serving(lambda _, try_: fault if try_ < 3 else reply()) as (model, server):
        completion = one(model)

    assert (completion.finish, completion.text) == (Finish.stop, "Good day.")
    assert len(server.bodies) == 3


def test_an_answer_that_takes_too_long_is_asked_for_again():
    def answer(_, try_):
        sleep(0.6 if try_ == 1 else 0)
        return reply()

    with serving(answer, timeout_s=0.3) as (model, server):
        completion = one(model)

    assert completion.finish is Finish.stop
    assert len(server.bodies) == 2


def test_waiting_for_a_seat_is_not_waiting_for_the_answer():
    def answer(*_):
        sleep(0.3)
        return reply()

    with serving(answer, seats=1, timeout_s=1) as (model, server):
        submit_all(model, 5)
        collect_all(model, 5)

    assert len(server.bodies) == 5


@pytest.mark.parametrize("fault", [failure(500, "out of memory"), (200, "oops", {})])
def test_when_the_tries_are_used_up_the_last_reason_is_the_text(fault):
    with serving(lambda *_: fault, max_retries=2) as (model, server):
        completion = one(model)

    assert completion.finish is Finish.error
    assert "out of memory" in completion.text or "oops" in completion.text
    assert "given up after 3 tries" in completion.text
    assert len(server.bodies) == 3


@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "date"])
def test_retry_after_is_honoured(is_date):
    def answer(_, try_):
        header = formatdate(time() + 2, usegmt=True) if is_date else "1"  # dates are whole seconds
        return reply() if try_ > 1 else failure(429, headers={"Retry-After": header})

    with serving(answer) as (model, _):
        start = monotonic()
        one(model)

    assert 0.95 <= monotonic() - start < 6


SET_UP = {
    "401": (failure(401, "bad key"), "export TEACHER_KEY="),
    "403": (failure(403), "export TEACHER_KEY="),
    "404": (failure(404), "knows no model 'llama'.*it serves llama"),
    "402": (failure(402), "used up"),
    "quota": (failure(429, code="insufficient_quota"), "used up"),
    "tomorrow": (failure(429, headers={"Retry-After": "86400"}), "asks to wait 86400 s"),
}


@pytest.mark.parametrize(("answer", "message"), SET_UP.values(), ids=SET_UP)
def test_a_fault_of_the_set_up_is_one_line_that_says_what_to_do(answer, message):
    with serving(lambda *_: answer, api_key_env="TEACHER_KEY") as (model, _):
        model.submit(0, ask())
        with pytest.raises(ModelError, match=message) as caught:
            model.collect()

    assert "\n" not in str(caught.value)


def test_a_server_that_nobody_started_is_named():
    with serving(lambda *_: None) as (_, server):
        url = server.url
    config = ModelConfig(backend=Backend.endpoint, model="m", base_url=url, max_retries=1)
    model = open_endpoint(config, first_backoff_s=0.001)
    model.submit(0, ask())
    with pytest.raises(ModelError, match=f"nothing answers at {url}"):
        model.collect()
    model.close()


def test_answers_that_came_before_a_fault_are_returned_first():
    with serving(lambda question, _: reply() if question == "a" else failure(401)) as (model, _):
        model.submit(0, ask("a"))
        sleep(0.3)
        model.submit(1, ask("b"))
        sleep(0.3)
        results = model.collect()
        with pytest.raises(ModelError):
            model.collect()

    assert [ticket for ticket, _ in results] == [0]


def test_a_server_that_mostly_fails_stops_the_run_with_the_commonest_reason():
    def answer(question, _):
        return reply() if int(question) % 4 == 0 else failure(502)

    with serving(answer, max_retries=0) as (model, _):
        submit_all(model, 60)
        with pytest.raises(ModelError, match=r"\d+ of the last \d+ requests .*'HTTP 502'"):
            collect_all(model, 60)


def test_a_server_that_fails_now_and_then_does_not_stop_the_run():
    def answer(question, _):
        return failure(500) if int(question) % 4 == 0 else reply()

    with serving(answer, max_retries=0) as (model, _):
        submit_all(model, 60)
        results = collect_all(model, 60)

    assert Counter(completion.finish for _, completion in results) == {"stop": 45, "error": 15}


@pytest.mark.parametrize("answered", [0, 60], ids=["from the start", "after good answers"])
def test_a_server_that_refuses_most_requests_stops_the_run(answered):
    with serving(lambda q, _: reply() if int(q) < answered else failure(422)) as (model, _):
        submit_all(model, answered + 40)
        with pytest.raises(ModelError, match=r"refused \d+ of .*'HTTP 422: no'; .*output=false"):
            collect_all(model, answered + 40)


def test_every_ticket_comes_back_once_whatever_goes_wrong():
    faults = [failure(429), failure(500), None, (200, "{", {}), (200, "[]", {})]

    def answer(question, try_):
        sleep(0.002)
        number = int(question)
        return faults[number % 5] if try_ == 1 and number % 3 == 0 else reply(f"re {question}")

    with serving(answer, seats=8) as (model, server):
        submit_all(model, 120)
        results = collect_all(model, 120)
        assert model.collect() == []

    assert {ticket: c.text for ticket, c in results} == {i: f"re {i}" for i in range(120)}
    assert len(results) == 120
    assert server.most_running <= 8


def test_each_seat_keeps_a_connection_of_its_own():
    gate = threading.Barrier(70)  # nobody is answered before all seats are taken

    with serving(lambda *_: reply(str(gate.wait(20))), seats=70, timeout_s=30) as (model, server):
        submit_all(model, 140)
        collect_all(model, 140)

    assert server.connections == 70


def test_the_window_is_a_quarter_larger_than_the_seats():
    with serving(lambda *_: reply(), seats=8, revision="v2") as (model, _):
        assert (model.window, model.name) == (10, "llama@v2")
        assert model.engine == "openai-endpoint"


def test_the_key_comes_from_the_named_variable(monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "sk-1\n")
    with serving(lambda *_: reply(), api_key_env="TEACHER_KEY") as (model, server):
        one(model)

    assert server.headers[0]["authorization"] == "Bearer sk-1"


def test_closing_with_requests_in_flight_leaves_no_thread():
    release = threading.Event()
    before = threading.active_count()
    with serving(lambda *_: release.wait(10) and reply()) as (model, _):
        submit_all(model, 20)
        sleep(0.2)
        start = monotonic()
        model.close()
        took = monotonic() - start
        release.set()

    assert took < 2
    assert threading.active_count() <= before


def test_a_lone_surrogate_is_a_refused_request_not_a_crash():
    with serving(lambda *_: reply()) as (model, _):
        completion = one(model, ask("broken \ud800"))

    assert completion.finish is Finish.error
    assert "surrogate" in completion.text


def test_a_text_of_somebody_else_is_not_sent_to_a_server_that_would_write_its_own():
    with serving(lambda *_: reply()) as (model, _):
        completion = one(model, replace(ask("Hi?"), is_measured=True))

    assert (completion.finish, completion.losses) == (Finish.error, None)
    assert "no probabilities of a text that it did not write" in completion.text


def test_an_address_without_a_scheme_is_refused_at_once():
    config = ModelConfig(backend=Backend.endpoint, base_url="localhost:8000/v1")
    with pytest.raises(ModelError, match="must begin with http"):
        open_endpoint(config)
