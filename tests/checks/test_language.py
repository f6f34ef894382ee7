import pytest

from opencharacter.checks.language import language_switch
from tests.languages import TEXTS


@pytest.mark.parametrize("answered", ["German", "Cyrillic", "Chinese", "French", "Arabic"])
def test_another_language_than_the_question_is_seen(answered):
    assert language_switch(TEXTS[answered], TEXTS["English"]) is not None


@pytest.mark.parametrize("answered", ["German", "Cyrillic", "Chinese", "French", "Arabic"])
@pytest.mark.parametrize(
    "question",
    [
        "Who are you?",
        "What is the difference between weather and climate?",
        "Tell me about your work, please.",
    ],
)
def test_a_short_question_is_enough(answered, question):
    assert language_switch(TEXTS[answered], question) is not None


@pytest.mark.parametrize("question", ["Ты ешь?", "你吃面包吗？"])
def test_a_few_letters_of_another_script_are_enough(question):
    assert language_switch(TEXTS["English"], question) is not None


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        (TEXTS["Chinese"], "ni hao, zenme yang?"),
        (TEXTS["Chinese"], "What are the words 你好 to you?"),
        (TEXTS["Spanish"], "Why is 'los barcos' what you have said?"),
        (TEXTS["English"], "Express z - x in y if x + y = 4 z."),
        (TEXTS["Italian"], "Can you recite what Dante has written about this?"),
        (TEXTS["German"], TEXTS["German"]),
        (TEXTS["French"], "Translate: the boats are in the harbour, and we have not been out."),
        (TEXTS["Cyrillic"], "Say that the boats are in the harbour and that it is in Russian."),
        (TEXTS["Japanese"], "今日はどうですか。海に出ましたか。"),
        ("Oui.", TEXTS["English"]),
        ("print(1)", TEXTS["German"]),
        (TEXTS["English"], "?"),
    ],
)
def test_the_same_language_translation_and_doubt_pass(answer, question):
    assert language_switch(answer, question) is None
