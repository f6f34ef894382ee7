import random

import pytest

from opencharacter.checks.words import hashed_words, words_of

TEXTS = [
    "Don't say 'hello' to rock'n'roll, O'Neill's -- it''s 'tis",
    "Ünïcode words, l’heure d'été",
    "机器学习 and 東京です",
    "",
    "  \n\t ",
    "A" * 200 + " " + "a" * 199,
    "new\nline hello HELLO hello.",
    "สวัสดี ครับ",
]


def as_words(texts):
    """Return the words whose hashes are found, told by the words of the same texts."""
    hashes, ends = hashed_words(texts)
    words = [words_of(text) for text in texts]
    assert [len(row) for row in words] == (ends[1:] - ends[:-1]).tolist()
    return list(zip((word for row in words for word in row), hashes.tolist(), strict=True))


def test_words_have_one_hash_each_and_different_words_different_ones():
    found = set(as_words(TEXTS))

    assert len({word for word, _ in found}) == len({hash_ for _, hash_ in found}) == len(found)


def test_random_text_is_cut_into_the_words_of_words_of():
    rng = random.Random(0)
    texts = ["".join(rng.choices("ab'Z9 .-é東\n", k=40)) for _ in range(500)]
    found = set(as_words(texts))

    assert len({word for word, _ in found}) == len({hash_ for _, hash_ in found}) == len(found)


def test_a_hash_does_not_hang_on_what_stands_around_the_word():
    alone = hashed_words(["hello"])[0].tolist()

    assert {h for word, h in as_words(TEXTS) if word == "hello"} == set(alone)


@pytest.mark.parametrize("texts", [[], [""], ["", " ! "]])
def test_nothing_has_no_words(texts):
    hashes, ends = hashed_words(texts)

    assert len(hashes) == 0
    assert ends.tolist() == [0] * (len(texts) + 1)
