import pytest

from opencharacter.mix.overlap import By, OverlapReport, SuiteIndex
from opencharacter.mix.suites import Item

# 16 words, 10 words, 5 words, 2 words.
LONG = "When the night train from Oslo stops at a small station, what do you do first there?"
MIDDLE = "How would you explain the tides to your youngest child?"
SHORT = "Do you like the sea?"
TINY = "Hello there."


def index_of(*items, words=13, persona_overlap=0.8):
    return SuiteIndex(items, words=words, persona_overlap=persona_overlap)


def asked(*questions, answers=(), persona=""):
    return Item("s", "1", questions, answers, persona)


@pytest.mark.parametrize(
    ("turn", "question", "is_found"),
    [
        pytest.param(f"Well: {LONG.upper()} Tell me.", LONG, True, id="inside a longer turn"),
        pytest.param("The night train from Oslo stops at a small station, what do you see?", LONG,
                     True, id="13 words in a row"),
        pytest.param("The night train from Oslo stops at a small station, what did you see?", LONG,
                     False, id="12 words in a row"),
        pytest.param(f"Tell me. {MIDDLE} Go on.", MIDDLE, True, id="a shorter one, whole"),
        pytest.param("How would you explain the tides to your youngest dog?", MIDDLE, False,
                     id="a shorter one, one word off"),
        pytest.param("do you  like the SEA", SHORT, True, id="a short one, the whole turn"),
        pytest.param(f"Well, honestly. {SHORT} I do, I always did.", SHORT, False,
                     id="a short one inside a turn"),
        pytest.param(TINY, TINY, False, id="two words"),
        pytest.param("", LONG, False, id="nothing said"),
    ],
)  # fmt: skip
def test_a_turn_overlaps_by_a_long_run_or_by_a_short_question_as_a_whole(turn, question, is_found):
    hits = index_of(asked(question)).find(["Something else altogether.", turn], "")

    assert bool(hits) is is_found


def test_typographic_apostrophes_and_widths_do_not_hide_an_overlap():
    hits = index_of(asked("Don't you think that the ferry to Ａｃｃｒａ is late?")).find(
        ["Don’t you think that the ferry to Accra is late?"], ""
    )

    assert [hit.by for hit in hits] == [By.words]


def test_a_long_answer_for_reference_counts_and_a_short_one_does_not():
    index = index_of(asked("Is it?", answers=("Yes, it is.", LONG)))

    assert index.find(["Yes, it is."], "") == []
    assert len(index.find([LONG], "")) == 1


def test_the_number_of_words_is_a_setting():
    index = index_of(asked(LONG), words=9)

    assert index.find(["night train from Oslo stops at a small station"], "")


def test_every_item_with_the_words_is_found_once():
    index = index_of(asked(LONG), Item("t", "2", (LONG, LONG)))

    hits = index.find([LONG, LONG], "")

    assert sorted((hit.item.suite, hit.item.place) for hit in hits) == [("s", "1"), ("t", "2")]


@pytest.mark.parametrize(
    ("persona", "is_found"),
    [
        pytest.param("a sailor, from Oslo, who mends his own old nets", True, id="10 of 10 words"),
        pytest.param("A sailor from Oslo who mends his own old sails", True, id="9 of 11"),
        pytest.param("A sailor from Lima who mends his own old sails", False, id="8 of 12"),
        pytest.param("An aunt", False, id="none"),
        pytest.param("", False, id="no persona"),
    ],
)
def test_a_persona_is_found_by_its_share_of_words(persona, is_found):
    known = [
        asked(persona="A sailor from Oslo who mends his own old nets"),
        asked(persona="A cook"),
    ]

    assert bool(index_of(*known, persona_overlap=0.8).find([], persona)) is is_found


def test_a_persona_that_holds_a_whole_one_of_a_suite_is_found():
    index = index_of(asked(persona="A sailor from Oslo who mends old nets"))

    assert index.find([], "She is a sailor from Oslo who mends old nets and keeps eleven cats")
    assert not index.find([], "She is a sailor from Oslo who mends new nets and keeps eleven cats")


def test_the_report_counts_rows_and_items_by_suite():
    item, other = asked(LONG, persona="A baker from Quito"), Item("s", "2", (MIDDLE,))
    index = index_of(item, other, Item("empty", "1", ("What is never asked by anybody here?",)))
    report = OverlapReport(index)
    report.add("row-1", index.find([LONG, MIDDLE], "A baker from Quito"))
    report.add("row-2", index.find(["Nothing."], "A baker from Quito"))
    report.add("row-3", index.find(["Nothing."], ""))

    found = report.suites["s"]

    assert (report.rows, report.rows_hit) == (3, 2)
    assert (found.items, len(found.items_hit), found.rows_hit) == (2, 2, 2)
    assert (found.rows_by_words, found.rows_by_persona) == (1, 2)
    assert [example["row"] for example in found.examples] == ["row-1", "row-2"]
    assert report.suites["empty"].rows_hit == 0
