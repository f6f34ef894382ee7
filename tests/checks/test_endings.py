import pytest

from opencharacter.checks.answers import Answer, problems
from opencharacter.checks.endings import cut_off, open_end

STORY = "I went to the market with all of my friends, and then we went home again by the"
LIST = "Here is the list of the things that I would buy on a Monday morning in May:"


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        "My father was a fisherman who used to take me out on his boat every",
        "I went to the market with all of my friends, and we bought (",
        "I went to the market with all of my friends, and we bought apples,",
        "Take:\n1. Flour\n2. Water\n3.",
        "Take:\n- Flour\n-",
        "Here it is:\n```python\nfor i in range(10):\n    print(",
        LIST,
    ],
)
def test_what_surely_goes_on_is_cut_off(text):
    assert cut_off(text) is not None
    assert open_end(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"{STORY} park.",
        f'He said: "{STORY} park."',
        f"{STORY} park... *sighs*",
        "By the",
        "Roses are red,\nviolets are blue,\nsugar is sweet,\nand so are you,",
        f"Dear Bob,\n{STORY} park.\nLooking forward to seeing you,",
        "Here it is:\n```python\nprint(1)\n```",
        "It is\n7.",
        "\u6211\u6bcf\u5929\u70e4\u9762\u5305",
        "",
    ],
)
def test_finished_answers_letters_and_poems_are_not_cut_off(text):
    assert cut_off(text) is None
    assert open_end(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The dough has to rest for at least two hours before you",
        "Salt it. And the most important thing is that the dou",
        "It's what we do here when Ann and the children aren't home",
    ],
)
def test_prose_without_a_full_stop_has_an_open_end(text):
    assert cut_off(text) is None
    assert open_end(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "astonishingly, incredibly, amazingly, truly, very, fully, highly, unbelievably",
        "The Third Annual Workshop on Interpretation of Continuous Prompts",
        "| one | two | three | four | five | six | seven | eight |",
        "- Reduce the use of acronyms",
        "Bread",
    ],
)
def test_lists_titles_tables_and_short_answers_have_no_open_end(text):
    assert open_end(text) is None


def test_what_the_dialogue_had_cut_off_too_is_no_problem():
    answer = Answer(text=STORY, question="Go on.", reference=LIST)

    assert list(problems(answer, {"cut_off"})) == []
    assert [p.reason for p in problems(Answer(text=STORY, question="?"), {"cut_off"})] == [
        "cut_off"
    ]
