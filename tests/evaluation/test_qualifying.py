"""Planted faults: made by rule, and told apart by a judge that sees them."""

from dataclasses import replace

import pytest

from opencharacter.config import QualifyConfig
from opencharacter.evaluation.card import Rate, Verdict, card_page, make_card, verdict_on
from opencharacter.evaluation.labels import LABELLED, agreement
from opencharacter.evaluation.planting import (
    KEEPS,
    LOWERS,
    Fault,
    contradict,
    in_other_language,
    in_other_words,
    plant,
)
from opencharacter.evaluation.work import Instrument
from opencharacter.records import Control, Failure, Message, Role, UserFailure
from tests.evaluation.judged import item, transcript
from tests.evaluation.test_judging import RUBRICS, judge, run, told

RUBRIC = RUBRICS[Instrument.rubric]
PEOPLE = [f"A {n}-year-old baker from Oslo who counts to {n}" for n in range(30, 42)]
ITEMS = [
    item(persona=persona, facts=(), persona_id=f"persona-{n:024x}", system=persona)
    for n, persona in enumerate(PEOPLE)
]
SAID = [transcript(one, f"I'm a baker, because {one.persona} is me.") for one in ITEMS]
BY_ID = {one.id: one for one in ITEMS}
WORDLESS = Message(role=Role.assistant, content="Bread.")
FAULTY = ("AI language model", "years old, so let me", "Päivää", "never was")


def planted(n=100, said=SAID):
    return plant(BY_ID, said, RUBRIC, n=n)


def card(answer, given=None, **bars):
    work = planted() if given is None else given
    scores = [run(judge().judge(one.work), answer)[1] for one in work]
    return make_card(scores, QualifyConfig(**bars))


def changed(**about):
    """Return everybody's item with something else in it, planted."""
    items = [replace(one, **{name: each(n) for name, each in about.items()})
             for n, one in enumerate(ITEMS)]  # fmt: skip
    said = [transcript(one, f"I'm a baker, because {one.persona} is me.") for one in items]
    return plant({one.id: one for one in items}, said, RUBRIC, n=100)


def sees_faults(request):
    """Judge as somebody who knows what was planted: the character, and marks of faults."""
    prompt = request.messages[0].content
    persona = prompt.split("# Character\n")[1].splitlines()[0]
    if "# First answer" in prompt:
        first, _ = prompt.split("# First answer")[1].split("# Second answer")
        return told(0.9, 0.1) if persona in first else told(0.1, 0.9)
    answer = prompt.split("# The answer to be judged")[1]
    is_faulty = any(mark in answer for mark in FAULTY) or persona not in answer
    return told(0.9, 0.1, 0, 0, 0) if is_faulty else told(0, 0, 0, 0.1, 0.9)


def blind(request):
    """Judge by the place alone."""
    return (
        told(0.9, 0.1) if "# First answer" in request.messages[0].content else told(0, 0, 0, 0, 1)
    )


def test_every_kind_is_planted_in_every_sound_answer():
    kinds = [str(one.fault) for one in planted()]

    for fault in {*LOWERS, *KEEPS, Fault.who_is_speaking}:
        assert kinds.count(fault) == len(SAID)
    assert len({one.work.key for one in planted()}) == len(planted())


def test_a_draw_of_more_holds_that_of_fewer():
    few = {one.work.transcript.id for one in planted(3)}

    assert len(few) == 3
    assert few < {one.work.transcript.id for one in planted(6)}


def test_of_what_few_answers_can_take_more_are_drawn_until_there_are_as_many_cases():
    plain = [replace(one, messages=(*one.messages[:-1], WORDLESS)) for one in SAID[::2]]
    said = [*plain, *SAID[1::2]]

    for n in (1, 3, 6):
        few = planted(n, said)
        [*cases] = [one.work for one in few if one.fault is Fault.paraphrase]
        before = {one.work.transcript.id for one in few if one.fault is None}
        assert len(cases) == n
        assert {work.transcript.id for work in cases} <= before
        assert {one.work.key for one in few} <= {one.work.key for one in planted(n + 1, said)}
        assert len({one.work.key for one in few}) == len(few)
        assert [one.fault for one in few].count(Fault.contradiction) == n
    assert [one.fault for one in planted(12, said)].count(Fault.paraphrase) == 6


def test_failed_answers_and_those_under_a_control_are_left_out():
    said = [
        transcript(ITEMS[0], failures=(Failure.empty,)),
        transcript(ITEMS[1], "Hello.", control=Control.no_persona),
    ]

    assert planted(said=said) == []


@pytest.mark.parametrize(
    ("persona", "facts", "beginning"),
    [
        ("A 41-year-old baker", (), "I am 64 years old, so"),
        ("A baker", ("Age: 60",), "I am 37 years old, so"),
        ("A baker", ("Name: Ida",), "My name is Rowan Achterberg, by"),
        ("A shy baker, born at sea", (), "I never was a shy baker, whatever"),
    ],
    ids=["age of the persona", "age of the profile", "name", "who it is"],
)
def test_a_contradiction_denies_one_fact(persona, facts, beginning):
    made = contradict("Hello.", item(persona=persona, facts=facts))

    assert made.startswith(beginning)
    assert made.endswith("Hello.")


def test_other_words_leave_an_answer_alone_where_no_rule_applies():
    assert in_other_words("I don't know; it's late.", ITEMS[0]) == "I do not know; it is late."
    assert in_other_words("Bread.", ITEMS[0]) == "Bread."


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        ("I am a baker.", "I'm a baker."),
        ("That is who I am.", "That's who I am."),
        ("That is who I am today.", "That's who I am today."),
        ("My name is Ida, and I am 41 years old.", "I am called Ida, and I am 41 years of age."),
        ("I would not rush.", "I wouldn't rush."),
        ("I think of Oslo.", "I have in mind Oslo."),
    ],
)
def test_nearly_every_answer_can_be_said_in_other_words(answer, other):
    assert in_other_words(answer, ITEMS[0]) == other


def test_a_foreign_answer_is_in_a_language_of_nobody():
    assert "Päivää" in in_other_language("Hello.", ITEMS[0])
    assert "Jó napot" in in_other_language("Hello.", item(persona="A baker from Helsinki"))


def test_a_judge_that_sees_what_was_planted_passes():
    made = card(sees_faults)

    assert {name: rate.share for name, rate in made.detects.items()} == dict.fromkeys(
        [*map(str, LOWERS), "who_is_speaking"], 1.0
    )
    assert {rate.share for rate in made.keeps.values()} == {1.0}
    assert (made.verdict, made.scored.share) == (Verdict.few, 1.0)  # of 12 characters
    enough = card(sees_faults, least_cases=12)
    assert (enough.verdict, enough.has_passed) == (Verdict.meets, True)
    assert made.to_json()["calibration"].startswith("uncalibrated")


def test_where_a_model_plays_the_user_nothing_is_compared_and_a_judge_can_pass():
    made = card(sees_faults, changed(user=lambda _: "guest@1"))

    assert {rate.share for rate in (made.detects["contradiction"], *made.keeps.values())} == {
        1.0,
        None,
    }
    assert (made.detects["who_is_speaking"].n, made.below) == (0, ())


def test_a_dialogue_that_its_user_ended_is_no_ground_to_plant_in():
    ended = replace(SAID[0], user_failure=UserFailure.empty)

    assert {one.work.transcript.id for one in planted(said=[ended, *SAID[1:]])} == {
        one.id for one in SAID[1:]
    }


def test_what_is_planted_is_seen_where_a_book_has_spoken_before():
    def history(number):
        said = (Message(role=Role.user, content="Hello."),
                Message(role=Role.assistant, content="THE BOOK'S LINE"))  # fmt: skip
        return said * (1 + number % 2)

    work = changed(history=history)
    made = card(sees_faults, work)
    prompts = [run(judge().judge(one.work), sees_faults)[0] for one in work]
    answers = [p.messages[0].content.partition("# The answer to be judged")[2] or
               p.messages[0].content.partition("# First answer")[2]
               for asked in prompts for p in asked]  # fmt: skip

    assert (made.detects["who_is_speaking"].share, made.below) == (1.0, ())
    assert not [text for text in answers if "LINE" in text or not text]


def test_a_judge_that_looks_at_the_place_alone_does_not():
    made = card(blind)

    assert {rate.share for name, rate in made.detects.items()} == {0.0}
    assert made.keeps["filler"].share == 1.0
    assert made.keeps["order_swap"].share == 0.0
    assert not made.has_passed
    assert "finds contradiction in 0% of 12, asked are 80%" in made.below
    assert "is below the bar" in card_page(made)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high", "verdict"),
    [
        (1, 2, 0.0, 1.0, Verdict.few),
        (2, 2, 0.1, 1.0, Verdict.few),
        (0, 29, 0.0, 0.3, Verdict.below),
        (29, 29, 0.8, 1.0, Verdict.meets),
        (24, 30, 0.6, 0.9, Verdict.meets),
        (23, 30, 0.6, 0.9, Verdict.below),
        (100, 100, None, None, Verdict.few),
    ],
    ids=["half of two", "both", "sure and few", "sure", "enough", "too low", "one character"],
)
def test_a_bar_is_decided_by_enough_cases_or_by_the_whole_interval(hits, n, low, high, verdict):
    rate = Rate(share=hits / n, low=low, high=high, n=n, unscored=0)

    assert verdict_on(rate, 0.8, 30) is verdict


def test_what_there_are_too_few_cases_of_is_neither_met_nor_missed():
    wordless = [transcript(one, one.persona) for one in ITEMS[1:]]
    made = card(sees_faults, planted(said=[SAID[0], *wordless]), least_cases=12)

    told = "keeps its score at paraphrase in 100% of 1, asked are 80% of 12 cases or more"
    assert (made.below, made.few) == ((), (told,))
    assert (made.verdict, made.has_passed) == (Verdict.few, False)
    assert f"- too few cases to say: {told}" in card_page(made)
    assert made.to_json()["verdict"] == "has too few cases to say"


def test_agreement_with_people_is_a_table_on_the_page():
    people = {
        "answers": 12,
        "scored_by_judge": 12,
        "alpha_of_people": None,
        "spearman": {"value": 0.5, "low": 0.25, "high": 0.75, "clusters": 4},
        "alt_test": {"passed": True, "winning_rate": 1.0, "advantage": 0.5, "epsilon": 0.1,
                     "few": False},
    }  # fmt: skip

    page = card_page(replace(card(blind), people=people))

    assert page.endswith(
        "| held against people | | 95 % interval |\n|---|---|---|\n"
        "| answers | 12 |  |\n"
        "| scored by judge | 12 |  |\n"
        "| alpha of people | none |  |\n"
        "| spearman | 0.50 | 0.25 to 0.75 |\n"
        "| alt test | passed: winning rate 1.00, advantage 0.50, epsilon 0.1 |  |\n"
    )


def test_what_filler_adds_is_told_for_a_hundred_words():
    def likes_words(request):
        said = request.messages[0].content.split("# The answer to be judged")[-1]
        many = "it would come to the same" in said  # the filler, of 30 words
        return told(0, 0, 1, 0, 0) if not many else told(0, 0, 0.7, 0.3, 0)

    assert card(blind).padding.value == pytest.approx(0)
    made = card(likes_words)
    assert made.padding.value == pytest.approx(1.0)
    assert made.padding.clusters == 12
    assert "filler add +1.00 points" in card_page(made)
    assert made.to_json()["padding"]["value"] == pytest.approx(1.0)


def test_no_verdict_is_no_detection_and_falls_short():
    made = card(lambda request: told(*[0.01] * len(request.labels)))

    rate = made.detects["contradiction"]
    assert (rate.share, rate.n, rate.unscored) == (None, 0, 12)
    assert "gives a verdict in 0% of 108, asked are 95%" in made.below
    assert not made.has_passed


def people(*, kappa, scored=30, annotators=3, few=False, passed=True):
    tested = {"passed": passed, "winning_rate": 1.0 if passed else 0.25, "few": few}
    tested |= {"advantage": 0.5, "epsilon": 0.1}
    told = {"scored_by_judge": scored, "annotators": annotators, "alt_test": tested}
    return told | {"kappa_quadratic": {"value": kappa, "low": None, "high": None}}


@pytest.mark.parametrize(
    ("found", "is_calibrated", "below"),
    [
        ({"answers": 0, "annotators": 0, "scored_by_judge": 0}, False, []),
        (people(kappa=-0.5, scored=29, passed=False), False, []),
        (people(kappa=0.4), True, []),
        (people(kappa=0.39), True, ["agrees with people at kappa 0.39 of 30 answers"]),
        (people(kappa=0.9, passed=False), True, ["stands in for 25% of its 3 annotators"]),
        (people(kappa=0.9, passed=False, annotators=2), True, []),
        (people(kappa=0.9, passed=False, few=True), True, []),
        (people(kappa=None), True, []),
        ({"annotators": 1, "scored_by_judge": 30, "judge": "all alike"}, False, []),
    ],
    ids=[
        *("nothing", "few", "agrees", "kappa", "alt-test", "two people", "few each", "constant"),
        "all alike",
    ],
)
def test_a_judge_is_held_to_people_who_have_labelled_enough(found, is_calibrated, below):
    scores = [run(judge().judge(one.work), sees_faults)[1] for one in planted()]
    made = make_card(scores, QualifyConfig(), people=found)

    assert made.to_json()["is_calibrated"] is is_calibrated
    assert ("Uncalibrated" in card_page(made)) is not is_calibrated
    assert [told.partition(", asked")[0] for told in made.below] == below
    assert (made.verdict is Verdict.below) is bool(below)


def test_labels_of_one_character_alone_say_too_little_of_a_judge():
    scores = [run(judge().judge(one.work), sees_faults)[1] for one in planted()]
    alike = {"value": 3.0, "unscored": None, "criterion": f"{LABELLED}:c", "turn": 0}
    values = [1.0, 2.0, 3.0, 4.0, 5.0] * 9
    labelled = [
        replace(scores[0], **alike | {"transcript_id": f"t{n}", "value": value})
        for n, value in enumerate(values)
    ]
    marks = {f"t{n}/c/0": value for n, value in enumerate(values)}
    found = agreement(labelled, dict.fromkeys("abc", marks), epsilon=0.1)

    made = make_card(scores, QualifyConfig(), people=found)

    assert found["alt_test"]["winning_rate"] is None
    assert made.below == ()
    assert made.few[-1].startswith("45 labelled answers are of one character, who says nothing")
    assert "winning rate none" in card_page(made)
