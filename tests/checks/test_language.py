import pytest

from opencharacter.checks.language import language_of, language_switch

TEXTS = {
    "English": "The boats are in the harbour, and we have not been out for a week with this wind.",
    "German": "Die Boote sind im Hafen, und wir sind seit einer Woche nicht mit dem Wind gefahren.",
    "French": "Les bateaux sont dans le port et nous ne sommes pas sortis avec ce vent depuis.",
    "Spanish": "Los barcos están en el puerto y no hemos salido con este viento por una semana.",
    "Italian": "Le barche sono nel porto e non siamo usciti con questo vento per una settimana.",
    "Portuguese": "Os barcos estão no porto e não saímos com este vento por uma semana do mar.",
    "Dutch": "De boten zijn in de haven en we zijn met deze wind niet naar buiten, maar het komt.",
    "Polish": "Statki są w porcie, ale nie jest to dla nas tak dobrze, jak się przez to zdaje.",
    "Cyrillic": "Лодки стоят в гавани, и мы уже неделю не выходили в море из-за ветра.",
    "Chinese": "船在港口里，因为风太大，我们已经一个星期没有出海了。",
    "Japanese": "船は港にあります。風が強いので、一週間も海に出ていません。",
    "Korean": "배는 항구에 있고 바람 때문에 일주일 동안 바다에 나가지 못했습니다.",
    "Arabic": "القوارب في الميناء ولم نخرج إلى البحر منذ أسبوع بسبب الريح.",
    "Greek": "Τα καράβια είναι στο λιμάνι και δεν βγήκαμε στη θάλασσα εδώ και μια εβδομάδα.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_enough_to_tell(language):
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize("text", ["", "Hi!", "42 + 17 = 59", "```\nfor x in the_list: pass\n```"])
def test_too_little_to_tell(text):
    assert language_of(text) is None


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
