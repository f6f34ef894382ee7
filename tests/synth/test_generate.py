"""A character answers turn by turn; an answer that cannot be used rejects the dialogue."""

import pytest

from opencharacter.config import GenerateConfig
from opencharacter.records import Instruction, Message, Rejection, Role
from opencharacter.synth.checking import rejecting
from opencharacter.synth.generate import answer_in_turns
from tests.checks.people import KEEPER
from tests.synth.sessions import asker, result_of

SHORT = "He goes to the market with her on every single day of the year."
LONG = (
    "Put the kettle on and wait until it sings, warm the pot with a little of the water, put one "
    "spoon of leaves in for each guest and one for the pot, and wait four minutes."
)


def answered(reply, reference, reject=None):
    asked = (Message(role=Role.user, content="Well?"), Message(role=Role.user, content="And then?"))
    instruction = Instruction(
        source="s", messages=asked, references=("Nothing.", reference), licence="CC0", origin="o"
    )
    names = rejecting(GenerateConfig().reject if reject is None else reject, section="generate")
    session = answer_in_turns(KEEPER, instruction, asker(), draw=0, reject=names)
    return result_of(session, reply)


def test_a_long_reference_known_by_heart_is_no_answer_of_a_character():
    result = answered(LONG, LONG)

    assert isinstance(result, Rejection)
    assert result.reason == "copies_reference"


def test_it_is_marked_where_it_does_not_reject():
    assert answered(LONG, LONG, reject=[]).marks == ("copies_reference",)


@pytest.mark.parametrize("reject", [None, []])
def test_a_short_answer_may_come_out_like_the_reference_by_chance(reject):
    result = answered(SHORT, SHORT, reject=reject)

    assert [message.content for message in result.messages[1::2]] == [SHORT, SHORT]
    assert result.marks == ()
