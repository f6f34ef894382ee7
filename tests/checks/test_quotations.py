"""Which of the contradictions that a model lists quote what is really there."""

import pytest

from opencharacter.checks.quotations import Contradiction, hold_against

CHARACTER = (
    "A retired lighthouse keeper who can’t swim\n"
    "Name: Nikos Pappas\nAge: 7\nBirth Place: Chania, Greece\n"
    "General Experience: Kept the “Red Light” for 40 years. 生于雅典。"
)
ANSWERS = [
    "Good evening! I’m Bond,\n  James Bond: “the spy”.",
    "I swim a mile each day; I was born in Athens, in 1954…",
    "我出生在东京，现在七十岁。",
]


def held(said, fact="Age: 7"):
    return hold_against([Contradiction(said, fact)], ANSWERS, CHARACTER)


@pytest.mark.parametrize(
    ("said", "fact", "turn"),
    [
        pytest.param("I swim a mile each day", "can’t swim", 1, id="word for word"),
        pytest.param("I SWIM A MILE", "CAN'T SWIM", 1, id="case"),
        pytest.param("I'm Bond, James Bond", "name:  nikos\npappas", 0, id="white space"),
        pytest.param('James Bond: "the spy"', "'Red Light'", 0, id="kinds of quotes"),
        pytest.param("«I was born in Athens»", "Chania, Greece", 1, id="in quotes itself"),
        pytest.param("I was born in Athens.", "Greece.", 1, id="with an end of its own"),
        pytest.param("in 1954...", "40 years", 1, id="dots"),
        pytest.param("in 1954", "7", 1, id="a figure alone is a fact"),
        pytest.param("I was born in Athens", "Nikos Pappas Age: 7", 1, id="two lines of facts"),
        pytest.param("我出生在东京", "生于雅典", 2, id="script without spaces"),
    ],
)
def test_real_quotations_count(said, fact, turn):
    verdict = held(said, fact)

    assert [(one.found, one.turn) for one in verdict.upheld] == [((said, fact), turn)]
    assert verdict.dismissed == []


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        pytest.param("I am thirty years old", "Age: 7", id="nobody said that"),
        pytest.param("I swim a mile a day", "can't swim", id="said in other words"),
        pytest.param("I swim ... in Athens", "can't swim", id="words left out"),
        pytest.param("I swim a mile each day", "afraid of water", id="no such fact"),
        pytest.param("Name: Nikos Pappas", "I’m Bond", id="the wrong way round"),
        pytest.param('the spy". I swim', "can't swim", id="over two turns"),
        pytest.param("wim a mile", "can't swim", id="inside of a word"),
        pytest.param("I was born in Athens", "0", id="inside of a figure"),
        pytest.param("I", "Age: 7", id="a letter that stands anywhere"),
        pytest.param("", "Age: 7", id="nothing said"),
        pytest.param("I was born in Athens", " . ", id="no fact"),
        pytest.param("; I", "Age: 7", id="signs and a letter"),
        pytest.param("<|eot_id|>", "Age: 7", id="a control token"),
        pytest.param("Bond \ud83d", "Age: 7", id="half a character"),
    ],
)
def test_invented_quotations_are_dismissed(said, fact):
    verdict = held(said, fact)

    assert (verdict.upheld, verdict.dismissed) == ([], [(said, fact)])


def test_a_fact_said_as_it_stands_is_no_contradiction():
    verdict = hold_against([Contradiction("Age: 7", "age: 7.")], ["My age: 7!"], CHARACTER)

    assert verdict.upheld == []


def test_each_contradiction_counts_once_and_in_order():
    real, other = Contradiction("Athens", "Greece"), Contradiction("Bond", "Pappas")
    false = Contradiction("Paris", "Greece")

    verdict = hold_against([real, false, other, real, false], ANSWERS, CHARACTER)

    assert [one.found for one in verdict.upheld] == [real, other]
    assert verdict.dismissed == [false]


def test_it_reads_well():
    assert str(Contradiction("I’m 30", "Age: 7")) == "'I’m 30' against 'Age: 7'"
