import pytest

from opencharacter.checks.loops import repeats

STORY = (
    "I rose before the sun, as I do every day, and walked down to the boats. The nets were dry, "
    "the wind was in the east, and nobody spoke. "
)


@pytest.mark.parametrize(
    "text",
    [
        STORY + "and the sea and the wind " * 5,
        STORY + "I like the sea. I like the wind. " * 4,
        "short short short short short short short short short short short short short",
        STORY + "One two three four five six seven eight nine ten eleven. " * 4,
        "In free hours she enjoys " + "Ta" * 40,
        "哈哈哈" * 12,
        "The answer is 3, and " * 12,
        STORY * 4,
        "Ich weiß nicht, was soll ich sagen? " * 6,
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
    ],
)
def test_refrains_lists_and_laughter_pass(text):
    assert repeats(text) is None


def test_what_goes_round_is_told_with_a_count():
    assert repeats("and the sea " * 6) == "'and the sea' 4 times"
