"""The rolling window: every session ends once, nothing waits for a batch, logs are replayed."""

import pytest

from opencharacter.llm.requests import Completion, Finish, Request, Sampling
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.records import Message, Role, to_row

SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=10)


class DictLog(dict):
    def append(self, key, completion):
        assert key not in self
        self[key] = completion


class EchoModel:
    """Finishes the request that was submitted last first, one at a time."""

    name = "echo@1"
    engine = "echo"

    def __init__(self, window, finish=Finish.stop):
        self.window = window
        self.finish = finish
        self.flying = []
        self.asked = []
        self.most_at_once = 0

    def submit(self, ticket, request):
        self.flying.append((ticket, request))
        self.asked.append(request.messages[-1].content)
        self.most_at_once = max(self.most_at_once, len(self.flying))

    def collect(self):
        ticket, request = self.flying.pop()
        return [(ticket, Completion(text=f"<{request.messages[-1].content}>", finish=self.finish))]

    def close(self):
        pass


def request(text):
    return Request(messages=(Message(role=Role.user, content=text),), sampling=SAMPLING, seed=0)


def ask(*texts):
    answers = []
    for text in texts:
        completion = yield request(text)
        answers.append(completion.text)
    return answers


class OlderLog(dict):
    def append(self, key, completion):
        self[key] = completion


def admitted(log, **sessions):
    return (Admitted(name, ask(*texts), log) for name, texts in sessions.items())


def test_each_session_ends_once_with_its_own_answers():
    results = dict(run_sessions(EchoModel(2), admitted(DictLog(), a=["1", "2"], b=["3"], c=["4"])))

    assert results == {"a": ["<1>", "<2>"], "b": ["<3>"], "c": ["<4>"]}


def test_the_window_is_kept_full_and_never_exceeded():
    model = EchoModel(3)
    list(
        run_sessions(model, admitted(DictLog(), **{str(n): [f"x{n}", f"y{n}"] for n in range(20)}))
    )

    assert model.most_at_once == 3


def test_sessions_are_drawn_only_when_there_is_room():
    drawn = []

    def sessions():
        for number in range(100):
            drawn.append(number)
            yield Admitted(number, ask(str(number)), DictLog())

    next(iter(run_sessions(EchoModel(4), sessions())))

    assert len(drawn) == 4


def test_logged_turns_are_not_asked_again():
    log = DictLog()
    list(run_sessions(EchoModel(1), admitted(log, a=["1", "2"])))
    model = EchoModel(1)

    results = dict(run_sessions(model, admitted(log, a=["1", "2", "3"])))

    assert results == {"a": ["<1>", "<2>", "<3>"]}
    assert model.asked == ["3"]


def test_a_session_without_requests_just_ends():
    assert dict(run_sessions(EchoModel(1), admitted(DictLog(), a=[]))) == {"a": []}


@pytest.mark.parametrize("finish", [Finish.error, Finish.too_long])
def test_what_failed_in_the_engine_or_had_no_room_is_not_logged_so_it_is_asked_again(finish):
    log = DictLog()
    list(run_sessions(EchoModel(1, finish=finish), admitted(log, a=["1"])))

    assert log == {}


def test_a_prompt_without_room_in_an_older_log_is_asked_again():
    full = to_row(Completion(text="no room", finish=Finish.too_long))
    log = OlderLog.fromkeys([request("1").key("echo@1")], full)

    assert dict(run_sessions(EchoModel(1), admitted(log, a=["1"]))) == {"a": ["<1>"]}
    assert [each["text"] for each in log.values()] == ["<1>"]


def test_the_key_changes_with_everything_that_is_asked_and_with_nothing_else():
    base = request("hi")
    other_schema = Request(
        messages=base.messages, sampling=SAMPLING, seed=0, schema={"type": "object"}
    )

    keys = {base.key("m@1"), base.key("m@2"), request("hi!").key("m@1"), other_schema.key("m@1")}

    assert len(keys) == 4
    assert request("hi").key("m@1") == base.key("m@1")
