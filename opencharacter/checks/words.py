"""Words, as all checks count them."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['\u2019][^\W_]+)*"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")  # the same, in half the time


def words_of(text: str) -> list[str]:
    """Return the words in lower case; Chinese and Japanese characters each as one."""
    lowered = text.lower()
    return (_ASCII_WORD if lowered.isascii() else _WORD).findall(lowered)


_APOSTROPHE = ord("'")
# By byte of UTF-8: what is not ASCII is a letter once `words_of` has set the words apart.
_IN_WORD = np.array(
    [at > 127 or chr(at) in "abcdefghijklmnopqrstuvwxyz0123456789" for at in range(256)]
)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio
_FACTORS = np.multiply.accumulate(np.full(64, _GOLDEN))  # by place in a word, over again after 64


def hashed_words(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return a hash of each word of some texts, and where the words of each begin and end.

    The words are those of `words_of`, at a fifth of its cost; memory takes 40 bytes a character.

    Returns:
        (w,) hashes, and (n + 1,) from 0 to w: text i has those from its i-th place to the next.
    """
    lines = [
        text.lower().encode() if text.isascii() else " ".join(words_of(text)).encode()
        for text in texts
    ]
    letters = np.frombuffer(b" ".join(lines), dtype=np.uint8)  # (b,)
    is_in = _IN_WORD[letters]
    is_in[1:-1] |= (letters[1:-1] == _APOSTROPHE) & is_in[:-2] & is_in[2:]
    starts = np.flatnonzero(is_in & np.diff(is_in, prepend=False))  # (w,)
    line_ends = np.cumsum([len(line) + 1 for line in lines], dtype=np.int64)
    ends = np.searchsorted(starts, np.concatenate([[0], line_ends]))
    if not len(starts):
        return np.empty(0, dtype=np.uint64), ends
    lengths = np.diff(starts, append=len(letters))  # with what stands behind a word
    place = np.arange(starts[0], len(letters)) - np.repeat(starts, lengths)
    terms = (letters * is_in)[starts[0] :] * _FACTORS[place & 63]
    sums = np.add.reduceat(terms, starts - starts[0])
    sums = (sums ^ (sums >> np.uint64(29))) * _GOLDEN
    return sums ^ (sums >> np.uint64(32)), ends
