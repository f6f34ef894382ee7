import pytest

from opencharacter.checks.copying import copies_question, copies_reference

QUESTION = "Tell me in two sentences what the fishermen of your village do when a storm comes"


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        (QUESTION, QUESTION),
        (QUESTION.upper() + "?!", QUESTION),
        ("Tell me in two sentences what the fishermen of your village do.", QUESTION),
        ("Well: " + QUESTION + ".", QUESTION),
        ("What is love?", "what is love"),
        ("你叫什么名字\uff1f", "你叫什么名字"),
        ("Как тебя зовут?", "как тебя зовут"),
        ("'" + QUESTION + "'", QUESTION),
        (QUESTION + " Yes.", QUESTION),
        ("Name three\n\nbirds!", "Name three birds."),
        ("**" + QUESTION + "**", QUESTION),
        ("请写一首关于大海和灯塔的诗", "请写一首关于大海和灯塔的诗\uff0c要短一点"),
    ],
)
def test_giving_the_question_back_is_seen(answer, question):
    assert copies_question(answer, question)
    assert copies_question(answer, question) is not None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("Hello!", "Hello."),
        ("Good morning.", "Good morning"),
        ("They haul the boats up and drink.", QUESTION),
        ("What the fishermen of your village do, you ask? They drink.", QUESTION),
        (QUESTION + "? They haul the boats up, mend the nets and wait for the wind.", QUESTION),
        (
            "The old cat sat on the warm mat all day.",
            "Repeat: The old cat sat on the warm mat all day.",
        ),
        (
            "He goes to the market with her every single day.",
            "Correct the grammar: He go to the market with her every single day.",
        ),
        (
            "The sea was calm that morning and nobody was afraid.",
            "Extract the first sentence. The sea was calm that morning and nobody was afraid. Then"
            " the storm came and everything changed for all of us.",
        ),
        ("Positive", "Positive or negative? I loved the film."),
        ("", "Anything?"),
        ("...", "!!!"),
        ("Paris is the capital of France.", "What is the capital of France?"),
        ("大海很美\uff0c灯塔也很美。", "请写一首关于大海和灯塔的诗"),
    ],
)
def test_quoting_or_repeating_on_request_is_no_copy(answer, question):
    assert copies_question(answer, question) is None


REFERENCE = "Put the kettle on, warm the pot, and give the tea four minutes."


@pytest.mark.parametrize(
    "answer",
    [
        REFERENCE,
        REFERENCE.upper(),
        "Put the kettle on; warm the pot; and give the tea four minutes!",
        f"  {REFERENCE}\n",
    ],
)
def test_a_rewrite_that_changes_no_word_is_seen(answer):
    assert copies_reference(answer, REFERENCE) is not None


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (f"Listen, lad: {REFERENCE}", REFERENCE),
        (f"{REFERENCE} So my mother did.", REFERENCE),
        ("Kettle on, warm that pot, and four minutes for the tea, mind you.", REFERENCE),
        ("Paris.", "Paris."),
        ("It is 42, of course.", "It is 42, of course."),
        (REFERENCE, ""),
    ],
)
def test_a_rewrite_with_words_of_its_own_or_of_a_short_fact_passes(answer, reference):
    assert copies_reference(answer, reference) is None
