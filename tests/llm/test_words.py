"""Word by word the ids are those of the whole text, or the tokenizer is not taken word by word."""

import pytest

pytest.importorskip("transformers")

from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from opencharacter.llm.words import Words, falls_into_words
from opencharacter.train.texts import Texts
from tests.train.vocabularies import LLAMA3_PIECES, chatml, embedded, llama3, mistral

# Letters, marks and white space of all kinds, often enough beside each other.
TEXTS = st.text(
    st.one_of(
        st.sampled_from(" \n\t\u00a0\u3000.,'\"-<|>1²ab ЖzéÉ日ا\u0301\u200d🙂\x00"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


def backend(tokenizer):
    tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.mark.parametrize("tokenizer", [llama3, chatml, embedded])
def test_byte_level_tokenizers_are_taken_word_by_word(tokenizer):
    assert falls_into_words(backend(tokenizer()))


def byte_level(pieces):
    found = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(pieces), behavior="isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    found.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    return found


def two_words_in_a_piece():
    return byte_level(r"\p{L}+ \p{L}+|.")


def lower_case():
    found = byte_level(LLAMA3_PIECES)
    found.normalizer = normalizers.Lowercase()
    return found


def token_of_two_words():
    found = byte_level(LLAMA3_PIECES)
    found.add_tokens([AddedToken("New York", special=False)])
    return found


def token_that_takes_spaces():
    found = byte_level(LLAMA3_PIECES)
    found.add_tokens([AddedToken("<x>", lstrip=True, special=False)])
    return found


@pytest.mark.parametrize(
    "tokenizer",
    [
        *(two_words_in_a_piece, lower_case, token_of_two_words, token_that_takes_spaces),
        lambda: backend(mistral()),
    ],
)
def test_others_are_not(tokenizer):
    assert not falls_into_words(tokenizer())


@given(st.lists(TEXTS, max_size=5))
@example(["", " ", "a ", " a", "a  b", "a \n b", "a\u00a0 b", "'s 's", "a b a b"])
@example(["\n\na b", "a\n b c", "a\n", "x a\n", "e\u0301 e\u0301 \u00e9"])
@pytest.mark.parametrize("tokenizer", [llama3, embedded])
def test_ids_are_those_of_the_whole_text(tokenizer, texts):
    whole = backend(tokenizer())

    found = Words(whole).encode(texts)

    assert [ids.tolist() for ids in found] == [
        whole.encode(text, add_special_tokens=False).ids for text in texts
    ]


def test_more_new_words_than_are_encoded_at_once_keep_their_own_ids():
    whole = backend(llama3())
    text = " ".join(f"word{number}é" for number in range(2_500))

    [found] = Words(whole).encode([text])

    assert found.tolist() == whole.encode(text, add_special_tokens=False).ids


def test_what_begins_a_text_is_not_learned_as_what_follows_a_space():
    words = Words(backend(llama3()))

    words.encode(["没有空格的文字", "没有空格的文字 and"])

    assert {*words._numbers} == {" 没有空格的文字", "and"}


def test_words_whose_letters_are_changed_first_are_encoded_one_by_one():
    whole = backend(llama3())
    whole.normalizer = normalizers.NFC()
    text = "an e\u0301 and a e\u0301tude"  # two letters that become one

    [found] = Words(whole).encode([text])

    assert found.tolist() == whole.encode(text, add_special_tokens=False).ids


def test_a_vocabulary_without_some_bytes_is_taken_word_by_word_too():
    whole = byte_level(LLAMA3_PIECES)
    whole.add_tokens(["z"])  # nothing else has a token
    words = ["a z", "z z z"]

    assert [ids.tolist() for ids in Words(whole).encode(words)] == [[0], [0, 0, 0]]


def test_words_are_kept_and_forgotten_without_a_change(monkeypatch):
    monkeypatch.setattr("opencharacter.llm.words._MOST_IDS", 20)
    words = Words(backend(llama3()))
    texts = ["one two three", "two three four", "three four five 6 7 8 9 10 11 12 13 14 15"]

    first = [ids.tolist() for ids in words.encode(texts)]

    for _ in range(3):  # each time after the first they begin anew
        assert [ids.tolist() for ids in words.encode(texts)] == first


def test_kept_texts_are_the_same_as_new_ones(monkeypatch):
    monkeypatch.setattr("opencharacter.train.texts._KEPT_IDS", 40)
    texts = Texts(llama3().backend_tokenizer.to_str())
    asked = [f"a question {number}" for number in range(9)]
    first = {text: ids.tolist() for text, ids in texts.encode(asked).items()}

    for _ in range(3):
        found = texts.encode(asked)
        texts.keep(found, asked)
        assert {text: ids.tolist() for text, ids in found.items()} == first
