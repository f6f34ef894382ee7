"""Near-duplicates: pairs of texts whose sets of words overlap by at least a threshold.

Single words, not runs of them, as Persona Hub does it (arXiv 2406.20094): personas are a sentence
or two. `minhash` finds the pairs; docs/decisions/0011-personas-at-scale.md says why so.
"""

import hashlib
import re
import unicodedata
import zlib
from array import array

import numpy as np
from numpy.typing import NDArray

from opencharacter.minhash import Bands, Pairs, Sets, near_pairs

# Thai to Khmer, kana, Han: no spaces between words, so each character counts as one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")  # the same, in half the time
_LETTERS = re.compile(r"[^\W_]+")
_SLOTS = 256
_WANTED_RECALL = 0.99


class WordSets:
    """The sets of words of many texts: 4 bytes per word and 16 per text."""

    def __init__(self) -> None:
        self._words = array("I")
        self._ends = array("q", [0])
        self._letters = array("Q")

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, text: str) -> None:
        """Add the words of a text, without case or width."""
        plain = _folded(text)
        words = (_ASCII_WORD if plain.isascii() else _WORD).findall(plain)
        self._words.extend({zlib.crc32(word.encode()) for word in words or [""]})
        self._ends.append(len(self._words))
        letters = hashlib.blake2b(_letters(plain).encode(), digest_size=8)
        self._letters.append(int.from_bytes(letters.digest()))

    def near_pairs(
        self, rank: NDArray[np.int64], threshold: float, *, chained: bool = False
    ) -> Pairs:
        """Return the pairs of texts that share at least `threshold` of the words of both.

        Texts that differ in case, punctuation and white space alone are near at any threshold. Of
        the pairs exactly at the threshold 99 % are found, of closer ones more.

        Args:
            rank: (n,) a permutation of 0 to n - 1, by which pairs name the texts.
            threshold: Jaccard similarity, in (0, 1].
            chained: Pair each text with the first that it is connected with, be it over others.
        """
        words = np.frombuffer(self._words, dtype=np.uint32)
        sets = Sets(words, np.frombuffer(self._ends, dtype=np.int64))
        letters = np.frombuffer(self._letters, dtype=np.uint64)
        bands = _longest_bands(threshold)
        return near_pairs(sets, bands, threshold, rank, same=letters, chained=chained)


def letters_of(text: str) -> str:
    """Return the letters and digits of a text, without case or width."""
    return _letters(_folded(text))


def _letters(plain: str) -> str:
    return "".join(_LETTERS.findall(plain))


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _longest_bands(threshold: float) -> Bands:
    """Return the longest bands that still find `_WANTED_RECALL` of the pairs at the threshold."""
    bands = Bands(_SLOTS, 1)
    while bands.slots < _SLOTS:
        longer = Bands(_SLOTS // (bands.slots + 1), bands.slots + 1)
        if longer.recall(threshold) < _WANTED_RECALL:
            break
        bands = longer
    return bands
