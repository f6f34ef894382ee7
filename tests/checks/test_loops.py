import pytest

from opencharacter.checks.loops import repeats

# "the boats are in the harbour" stands in it twice.
PARAGRAPH = (
    "And the boats are in the harbour, since the wind is strong today; we mend our nets, and the "
    "boats are in the harbour again tomorrow, says my uncle. "
)
STORY = (
    "I rose before the sun, as I do every day, and walked down to the boats. The nets were dry, "
    "the wind was in the east, and nobody spoke. "
)


@pytest.mark.parametrize(
    "text",
    [
        STORY + "and the sea and the wind " * 5,
        STORY + "I like the sea. I like the wind. " * 4,
        "short " * 32,
        STORY + "One two three four five six seven eight nine ten eleven. " * 4,
        "In free hours she enjoys " + "Ta" * 40,
        "哈哈哈" * 12,
        "The answer is 3, and " * 12,
        STORY * 4,
        "Ich weiß nicht, was soll ich sagen? " * 6,
        STORY * 3,
        PARAGRAPH * 50,
        STORY + PARAGRAPH * 3,
        STORY + PARAGRAPH * 4 + STORY,
        f"{STORY}Look: [1, 2]. " * 4,
        "N" + "o" * 60,
    ],
)
def test_circles_are_seen(text):
    assert repeats(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        STORY * 2,
        "No, no, no, no! Not that one.",
        "Ha ha ha ha ha, that is a good one.",
        "Hahahaha! You got me there.",
        "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily.",
        "1. Mix the flour.\n2. Mix the eggs.\n3. Mix the sugar.\n4. Mix the milk.\n5. Bake it.",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n| 7 | 8 |\n| 9 | 10 |",
        "0 0 0 0 0 0 0 0",
        "",
        "The cat sat. The dog sat. The bird sat. The fish sat. The fox sat. The owl sat.",
        "[[0,0,0,0],[0,0,0,0],[0,0,0,0]]",
        "[[False, False, False, False]]" * 4,
        "| a | b | c |\n|---|---|---|\n" + "| 0 | 0 | 0 |\n" * 8,
        "0, 1, 0, 1, " * 20,
        "X O X O\n" * 4,
        "Nooooooooooooooooooo!",
        "Ha" * 12 + "!",
        "Let it be, let it be, let it be, let it be. Whisper words of wisdom.",
        "Na na na na na na na na na na na na na na na na, Batman!",
        "```\n" + "make clean\n" * 12 + "```",
    ],
)
def test_refrains_lists_and_laughter_pass(text):
    assert repeats(text) is None


def test_what_goes_round_is_told_with_a_count():
    assert repeats("and the sea " * 6) == "'the sea and' 5 times"


def test_what_the_question_wants_repeated_may_be():
    lines = "I must not talk in class. " * 20

    assert repeats(lines, "Write 'I must not talk in class.' 20 times.") is None
    assert repeats(lines, "What did the teacher say?") is not None


@pytest.mark.timeout(10)
def test_a_long_table_of_numbers_takes_no_time():
    rows = " ".join(map(str, range(1000)))

    assert repeats(f"{rows} " * 200) is None
