"""Asking until an answer can be used, and what is kept of one that cannot."""

import pytest

from opencharacter.checks.problem import Problem
from opencharacter.config import SamplingConfig
from opencharacter.llm.requests import Completion, Finish
from opencharacter.records import Message, Rejection, Role
from opencharacter.store.rows import read_records, write_records
from tests.synth.sessions import asker, result_of


def asked(reply, *, read=lambda text: text):
    session = asker().ask((Message(role=Role.user, content="Hi"),), read)
    return result_of(session, reply)


def test_lines_of_an_answer_end_in_a_line_feed():
    assert asked("one\r\ntwo\rthree") == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Completion(text="half \ud83d", finish=Finish.length), id="cut-off answer"),
        pytest.param(Completion(text="half \ud83d", finish=Finish.error), id="error"),
        pytest.param("half \ud83d", id="what is wrong"),
    ],
)
def test_half_a_character_is_rejected_and_the_rejection_can_be_stored(reply, tmp_path):
    rejection = asked(reply, read=lambda text: Problem("control_tokens", text))
    write_records(tmp_path / "part-0.parquet", Rejection, [rejection])

    [stored] = read_records(tmp_path, Rejection)
    assert stored.excerpt == "half ?"


def test_an_answer_in_circles_is_rejected_as_such():
    session = asker(SamplingConfig(max_repeats=5)).ask(
        (Message(role=Role.user, content="Hi"),), lambda text: text
    )
    request = next(session)
    circles = Completion(text="la la la la la", finish=Finish.repetition, output_tokens=5)

    with pytest.raises(StopIteration) as ended:
        session.send(circles)

    assert request.sampling.max_repeats == 5
    assert ended.value.value.reason == "repetition"
    assert "after 5 tokens" in ended.value.value.detail
