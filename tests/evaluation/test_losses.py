"""What given answers cost a model: which are asked, and what becomes of what cannot be measured."""

import json
from dataclasses import replace

import pytest

from opencharacter.config import LossConfig
from opencharacter.errors import ConfigError, SourceError
from opencharacter.evaluation.losses import Told, loss_plan, measure, read_answers
from opencharacter.llm.requests import Completion, Finish
from opencharacter.llm.scripted import ScriptedModel
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.records import Message, Rejection, Role
from opencharacter.store.claims import Part


class NoLog:
    def get(self, key):
        return None

    def append(self, key, completion):
        pass


def told(*texts):
    roles = [Role.user, Role.assistant] * len(texts)
    messages = tuple(
        Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)
    )
    return Told(messages=messages, topic="t", licence="mit", origin="f:1")


def measured(reply, *texts):
    model = ScriptedModel(reply)
    session = measure(told(*texts), "s@1", model, retries=2)
    [(_, result)] = run_sessions(model, [Admitted("k", session, NoLog())])
    return result, model


def test_the_losses_of_all_answers_are_kept_with_the_bytes_of_their_text():
    found, _ = measured(
        lambda request: Completion(text="", finish=Finish.stop, losses=(0.5, 1.0, 2.5)),
        "Hi?", "Ja, schön.", "And?", "No.",
    )  # fmt: skip

    assert (found.losses, found.nats, found.n_bytes) == ((0.5, 1.0, 2.5), 4.0, 11 + 3)
    assert [message.content for message in found.messages][1::2] == ["Ja, schön.", "No."]


def error(request):
    return Completion(text="the engine is down", finish=Finish.error)


def test_a_fault_of_the_engine_is_asked_again_and_nothing_but_what_is_given():
    asked = []
    _, model = measured(lambda request: asked.append(request) or error(request), "Hi?", "Ho.")

    assert len(asked) == 3  # the first, and two more
    assert len(model.calls) == 1
    assert {(one.is_measured, one.messages[-1].content) for one in asked} == {(True, "Ho.")}
    assert asked[0].key("m") != replace(asked[0], is_measured=False).key("m")


@pytest.mark.parametrize(
    ("finish", "reason", "attempts"),
    [(Finish.too_long, "too_long", 1), (Finish.error, "error", 3)],
)
def test_what_cannot_be_measured_is_a_rejection(finish, reason, attempts):
    found, _ = measured(lambda request: Completion(text="why", finish=finish), "Hi?", "Ho.")

    assert isinstance(found, Rejection)
    assert (found.reason, found.detail, found.attempts) == (reason, "why", attempts)
    assert found.key == told("Hi?", "Ho.").id


def test_another_answer_to_the_same_question_is_another_dialogue():
    assert told("Hi?", "Ho.").id != told("Hi?", "He.").id


def test_the_project_s_own_dialogues_are_of_six_topics():
    own = read_answers(LossConfig())

    assert len(own.told) == 32
    assert own.unusable == ()
    assert {each.topic for each in own.told} == {
        "advice", "explain", "howto", "sums", "words", "write",
    }  # fmt: skip


def test_a_smaller_draw_is_a_part_of_a_larger_one():
    few, more = (read_answers(LossConfig(n=n)).told for n in (5, 12))

    assert more[:5] == few
    with pytest.raises(SourceError, match=r"loss\.n=33 asks for more than the 32 dialogues"):
        read_answers(LossConfig(n=33))


def test_rows_of_a_file_are_measured_or_refused_with_a_reason(tmp_path):
    rows = [
        {"instruction": "Say a.", "input": "", "output": "a"},
        {"conversations": ["Say b.", "b", "And c.", "c"]},
        {"conversations": ["Say d.", "d", "And e?"]},
        {"what": "is this"},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{torn\n")
    found = read_answers(LossConfig(path=str(path)))

    assert sorted(len(each.messages) for each in found.told) == [2, 4]
    assert {row.reason for row in found.unusable} == {
        "no_answer", "unknown_layout", "broken_json",
    }  # fmt: skip
    assert found.name.startswith("mine@")
    plan = loss_plan(found, lambda: ScriptedModel(error), retries=0)
    keys = {key for part in range(3) for key, _ in plan.sessions(Part(part, 3))}
    assert keys == {*plan.keys()}


def test_data_without_an_answer_is_an_error_that_says_so(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({"conversations": ["Say a."]}) + "\n")

    with pytest.raises(SourceError, match=r"0 dialogues of q@\w+ with an answer .*\(1 rows cannot"):
        read_answers(LossConfig(path=str(path)))


def test_two_sources_at_once_are_refused():
    with pytest.raises(ConfigError, match=r"loss\.path=a and loss\.run=b are both set"):
        LossConfig(path="a", run="b")
