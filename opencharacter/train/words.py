"""Texts to ids word by word: a word is encoded once, and looked up from then on.

A byte-level BPE cuts text by an expression first, then encodes each piece on its own. The
expressions of all models we know end a piece before a single space between two other characters. So
what stands between such spaces, the space before it included, has the same ids wherever it stands.
Whether that holds for a tokenizer is tried out before it is used; others encode whole texts.
"""

import json
import re
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]

_CUT = re.compile(r"(?<=\S)(?= \S)")
_MOST_IDS = 500_000  # of kept words, some 30 MB with them; then they begin anew
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


class _Numbers(dict[str, int]):
    """Numbers of words; one that is asked for the first time is given a number."""

    def __init__(self, give: Callable[[str], int]) -> None:
        """Keep who gives numbers."""
        super().__init__()
        self._give = give

    def __missing__(self, word: str) -> int:
        number = self[word] = self._give(word)
        return number


class Words:
    """Encodes texts word by word."""

    def __init__(self, tokenizer: Any) -> None:
        """Start without words.

        Args:
            tokenizer: Of the `tokenizers` library; `falls_into_words` is true of it.
        """
        self._tokenizer = tokenizer
        self._forget()

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, as parts of one array."""
        if len(self._ids) > _MOST_IDS:
            self._forget()
        numbers: list[int] = []
        ends = []
        for text in texts:
            words = text.split(" ")
            if "" in words or [*map(str.strip, words)] != words:  # white space beside a space
                words = _CUT.split(text)
                words[1:] = [word[1:] for word in words[1:]]
            numbers.append(self._first[words[0]])
            numbers += map(self._spaced.__getitem__, words[1:])
            ends.append(len(numbers))
        self._encode_new()
        at = np.array(numbers, np.int64)
        lengths = self._starts[at + 1] - self._starts[at]
        total = np.concatenate([[0], np.cumsum(lengths)])
        shift = np.repeat(self._starts[at] - total[:-1], lengths)
        ids: Ids = self._ids[shift + np.arange(total[-1])]
        bounds = [0, *total[ends].tolist()] if ends else [0]
        return [ids[start:end] for start, end in pairwise(bounds)]

    def _forget(self) -> None:
        self._new: list[str] = []
        self._first = _Numbers(self._give)
        self._spaced = _Numbers(lambda word: self._give(f" {word}"))
        self._ids: Ids = np.empty(0, np.int32)
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)

    def _give(self, word: str) -> int:
        self._new.append(word)
        return len(self._starts) - 2 + len(self._new)

    def _encode_new(self) -> None:
        """Encode the words that nobody asked for before."""
        if not self._new:
            return
        encoded = self._tokenizer.encode_batch_fast(self._new, add_special_tokens=False)
        ids = [each.ids for each in encoded]
        ends = accumulate(map(len, ids), initial=len(self._ids))
        self._starts = np.concatenate([self._starts[:-1], np.fromiter(ends, np.int64)])
        flat = np.fromiter((number for each in ids for number in each), np.int32)
        self._ids = np.concatenate([self._ids, flat])
        self._new = []


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
