"""Texts to ids word by word: a word is encoded once, and looked up from then on.

A byte-level BPE cuts text by an expression first, then encodes each piece on its own. The
expressions of all models we know end a piece before a single space between two other characters. So
what stands between such spaces, the space before it included, has the same ids wherever it stands.
Whether that holds for a tokenizer is tried out before it is used; others encode whole texts.

Arrow cuts the texts of a batch and finds the different words in them, some 15 in 100 of all: only
these are looked up in Python.

New words are encoded in one text, a thousand at a time, which takes less than half of what they
take one by one. Whose ids are whose follows from the bytes of the tokens; where a word does not
end with a token, all of them are encoded one by one.
"""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise, product, repeat
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from tokenizers.pre_tokenizers import ByteLevel

Ids = NDArray[np.int32]

_CUT = re.compile(r"(?<=\S)(?= \S)")
_AT_ONCE = 1_000  # words in one text
_MOST_IDS = 2_000_000  # of kept words, some 90 MB with them; then they begin anew
_NEW = -2  # number of a word that nobody asked for before
# One or two letters of each kind that an expression could tell apart.
_KINDS = "a B ж Ж é ß 日 م ก ् ́ 1 ٣ ² ' ’ \" . ! - _ / < | \\ $ + ^ ~ § 🙂 \u200d \x00 \ue000"
_ENDINGS = (
    "'s",
    "'ll",
    "word",
    "WORD",
    "Word",
    "слово",
    "123",
    "1234",
    "...",
    "n't",
    "\\n",
    "a\nb",
)


class _Made(NamedTuple):
    """Ids of some words, one word after another."""

    ids: Ids
    lengths: NDArray[np.int64]
    """How many each word has."""


class Words:
    """Encodes texts word by word."""

    def __init__(self, tokenizer: Any) -> None:
        """Start without words.

        Args:
            tokenizer: Of the `tokenizers` library; `falls_into_words` is true of it.
        """
        self._tokenizer = tokenizer
        self._is_as_written = tokenizer.normalizer is None
        self._bytes = _token_bytes(tokenizer)
        self._forget()

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, as parts of one array."""
        if len(self._ids) > _MOST_IDS:
            self._forget()
        cut = pc.split_pattern(pa.array(texts, pa.large_string()), " ")
        bounds = cut.offsets.to_numpy()
        is_first = np.zeros(len(cut.values), np.bool_)
        is_first[bounds[:-1]] = True
        first = cut.values.filter(pa.array(is_first)).to_pylist()
        inner = cut.values.filter(pa.array(~is_first)).dictionary_encode()
        # The first word of a text follows no space.
        asked = [*(f" {word}" for word in first), *inner.dictionary.to_pylist()]
        numbers = self._numbers_of(asked)
        at = np.empty(len(cut.values), np.int64)
        at[is_first] = np.arange(len(first))
        at[~is_first] = len(first) + inner.indices.to_numpy().astype(np.int64)
        odd = {place for place, word in enumerate(first) if word.rstrip() != word}
        if (numbers < 0).any():
            beside = np.flatnonzero((numbers < 0)[at])
            odd.update((np.searchsorted(bounds, beside, side="right") - 1).tolist())
        if odd:  # white space beside a space, perhaps: such texts are cut with more care
            careful = {place: _cut_with_care(texts[place]) for place in odd}
            more = self._numbers_of([*chain.from_iterable(careful.values())])
            parts, end = np.split(at, bounds[1:-1]), len(numbers)
            for place, words in careful.items():
                parts[place] = np.arange(end, end := end + len(words))
            numbers = np.concatenate([numbers, more])
            at, bounds = np.concatenate(parts), np.cumsum([0, *map(len, parts)])
        return self._gather(numbers, at, bounds)

    def _gather(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], bounds: NDArray[np.int64]
    ) -> list[Ids]:
        """Return the ids of texts.

        Args:
            numbers: Of different words.
            at: Of each word of the texts, its place in them.
            bounds: Where each text begins among these, and where the last one ends.
        """
        starts = self._starts[numbers]
        lengths = (self._starts[numbers + 1] - starts)[at]
        total = np.zeros(len(at) + 1, np.int64)
        np.cumsum(lengths, out=total[1:])
        shift = np.repeat(starts[at] - total[:-1], lengths)
        ids: Ids = self._ids[shift + np.arange(total[-1])]
        return [ids[start:end] for start, end in pairwise(total[bounds].tolist())]

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        """Of words; one with a space before it stands for what follows that space, one without for
        itself after a space. -1 = it shows that a text has white space beside a space."""
        self._ids: Ids = np.empty(0, np.int32)
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)

    def _numbers_of(self, words: Sequence[str]) -> NDArray[np.int64]:
        at = np.fromiter(map(self._numbers.get, words, repeat(_NEW)), np.int64, len(words))
        is_new = at == _NEW
        if is_new.any():
            new = [words[place] for place in np.flatnonzero(is_new).tolist()]
            once = [*dict.fromkeys(new)]
            odd = {word for word in once if word[:1] != " " and (word.strip() != word or not word)}
            self._numbers.update(dict.fromkeys(odd, -1))
            self._learn([word for word in once if word not in odd])
            at[is_new] = np.fromiter(map(self._numbers.__getitem__, new), np.int64, len(new))
        return at

    def _learn(self, new: Sequence[str]) -> None:
        """Encode words that nobody asked for before, and number them."""
        inner = [word for word in new if word[0] != " "]
        plain = inner if self._is_as_written else [*filter(str.isascii, inner)]
        if (made := self._encode_joined(plain)) is None:
            plain, made = [], self._encode_each([])
        seen = {*plain}
        other = [word for word in new if word not in seen]
        one_by_one = self._encode_each(w[1:] if w[0] == " " else f" {w}" for w in other)
        first = len(self._starts) - 1
        self._numbers.update(zip(chain(plain, other), range(first, first + len(new)), strict=True))
        lengths = np.concatenate([made.lengths, one_by_one.lengths])
        ends = self._starts[-1] + np.cumsum(lengths)
        self._starts = np.concatenate([self._starts, ends])
        self._ids = np.concatenate([self._ids, made.ids, one_by_one.ids])

    def _encode_joined(self, words: Sequence[str]) -> _Made | None:
        """Encode words that follow a space each; None if it cannot be told whose ids are whose."""
        if self._bytes is None or not words:
            return None
        texts = [" " + " ".join(words[n : n + _AT_ONCE]) for n in range(0, len(words), _AT_ONCE)]
        encoded = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = np.concatenate([np.array(each.ids, np.int32) for each in encoded])
        token_ends = np.cumsum(self._bytes[ids])
        word_ends = np.cumsum(np.fromiter(map(len, map(str.encode, words)), np.int64) + 1)
        last = np.searchsorted(token_ends, word_ends)
        if last[-1] != len(ids) - 1 or not np.array_equal(token_ends[last], word_ends):
            return None
        return _Made(ids, np.diff(last, prepend=-1))

    def _encode_each(self, texts: Iterable[str]) -> _Made:
        encoded = self._tokenizer.encode_batch_fast([*texts], add_special_tokens=False)
        ids = [each.ids for each in encoded]
        flat = np.fromiter(chain.from_iterable(ids), np.int32)
        return _Made(flat, np.fromiter(map(len, ids), np.int64, len(ids)))


def _cut_with_care(text: str) -> list[str]:
    """Cut a text at the spaces between two other characters alone; a space before each word."""
    return [f" {word}" for word in _CUT.split(text)]


def _token_bytes(tokenizer: Any) -> NDArray[np.int64] | None:
    """Return how many bytes each token stands for; None if a byte has no token."""
    vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=False)
    if not {*ByteLevel.alphabet()} <= vocabulary.keys():
        return None
    added = tokenizer.get_added_tokens_decoder()
    found = np.zeros(max([*vocabulary.values(), *added]) + 1, np.int64)
    for token, number in vocabulary.items():
        found[number] = len(token)  # a letter stands for a byte
    for number, token in added.items():
        found[number] = len(token.content.encode())
    return found


def falls_into_words(tokenizer: Any) -> bool:
    """Return whether a tokenizer encodes words on their own, so that each needs it only once."""
    asked = json.loads(tokenizer.to_str())
    if asked["model"].get("type") != "BPE" or tokenizer.pre_tokenizer is None:
        return False
    if (asked.get("normalizer") or {"type": "NFC"}).get("type") != "NFC":
        return False
    if '"ByteLevel"' not in json.dumps(asked["pre_tokenizer"]):
        return False
    if not all(map(_is_plain, tokenizer.get_added_tokens_decoder().values())):
        return False
    cut = tokenizer.pre_tokenizer.pre_tokenize_str
    ends = [*_KINDS.split(" "), *_ENDINGS]

    def pieces(text: str) -> list[str]:
        return [piece for piece, _ in cut(text)]

    return all(
        pieces(f"{one} {other}") == pieces(one) + pieces(f" {other}")
        for one, other in product(ends, ends)
    )


def _is_plain(token: Any) -> bool:
    """Return whether an added token takes nothing but itself out of a text."""
    is_whole = not (token.lstrip or token.rstrip or token.single_word)
    return token.special or (is_whole and " " not in token.content.strip())
