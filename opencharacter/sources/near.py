"""Near-duplicates: pairs of texts whose sets of words overlap by at least a threshold.

MinHash LSH (Broder, 1997; Indyk and Motwani, 1998) finds the pairs worth a look, and each is then
decided by the exact Jaccard similarity of its two sets: what is called near is near. Single words,
not runs of them, as Persona Hub does it (arXiv 2406.20094): personas are a sentence or two.

The home of `rensa`; docs/decisions/0011-personas-at-scale.md says why it.
"""

import hashlib
import re
import unicodedata
import zlib
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashDigestMatrix, RMinHashLSH

# Thai to Khmer, kana, Han: no spaces between words, so each character counts as one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")
_LETTER = re.compile(r"[^\W_]")
_SLOTS = 256
_WANTED_RECALL = 0.99
_BANDS_AT_ONCE = 4
# So many rows of a bucket are compared with all others in it: a thousand twins stay linear work.
_LEADERS = 16
_PAIRS_AT_ONCE = 1 << 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads the bits of a product

_Rows = NDArray[np.int64]
_Codes = NDArray[np.int64]  # two rows in one number


class Pairs(NamedTuple):
    """Ranks of near rows, each pair once, sorted by `later`, then `earlier`."""

    earlier: _Rows  # (k,) smaller than `later`
    later: _Rows  # (k,)


class WordSets:
    """The sets of words of many texts: 4 bytes per word and 16 per text."""

    def __init__(self) -> None:
        self._words = array("I")
        self._ends = array("Q", [0])
        self._folded = array("Q")

    def __len__(self) -> int:
        return len(self._folded)

    def add(self, text: str) -> None:
        """Add the words of a text, without case or width."""
        plain = folded(text)
        # Two different words of a pair of texts share 32 bits once in ten million pairs.
        self._words.extend({zlib.crc32(word.encode()) for word in _WORD.findall(plain)})
        self._ends.append(len(self._words))
        letters = "".join(_LETTER.findall(plain)).encode()
        self._folded.append(int.from_bytes(hashlib.blake2b(letters, digest_size=8).digest()))

    def near_pairs(self, rank: _Rows, threshold: float) -> Pairs:
        """Return the pairs of rows that share at least `threshold` of the words of both.

        Texts that differ in case, punctuation and white space alone are near at any threshold. Of
        the pairs exactly at the threshold 99 % are found, of closer ones more.

        Args:
            rank: (n,) a permutation of 0 to n - 1, by which pairs name the rows.
            threshold: Jaccard similarity, in (0, 1].
        """
        if len(self) < 2:
            return Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        ends = np.frombuffer(self._ends, dtype=np.uint64).astype(np.int64)  # (n + 1,)
        words = np.frombuffer(self._words, dtype=np.uint32)
        n_rows = _rows_per_band(threshold)
        rows = _suspects(words, ends, n_rows)
        rows = rows[np.argsort(rank[rows])]  # (s,) in the order of rank, as all codes below are
        near = [_same(np.frombuffer(self._folded, dtype=np.uint64), rank)]
        sets = _Taken.of(words, ends, rows)
        for codes in _candidates(sets, n_rows):
            found = codes[_is_near(sets, codes, threshold)]
            ranks = rank[rows[found % len(rows)]] * len(self) + rank[rows[found // len(rows)]]
            near.append(ranks)
            if sum(map(len, near)) > 2 * len(near[0]) + _PAIRS_AT_ONCE:
                near = [_distinct(np.concatenate(near))]
        codes = _distinct(np.concatenate(near))
        return Pairs(earlier=codes % len(self), later=codes // len(self))


def folded(text: str) -> str:
    """Return a text without case or width."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold()


class _Taken(NamedTuple):
    """The words of some rows, one row after another."""

    words: NDArray[np.uint32]
    ends: _Rows  # (s + 1,)

    @classmethod
    def of(cls, words: NDArray[np.uint32], ends: _Rows, rows: _Rows) -> "_Taken":
        sizes = ends[rows + 1] - ends[rows]
        taken = np.concatenate([[0], np.cumsum(sizes)])
        return cls(words[_ranges(ends[rows], sizes)], taken)


def _ranges(starts: _Rows, sizes: _Rows) -> _Rows:
    """Return start, start + 1, ... of each start, `sizes` of them, one after another."""
    before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    ranges: _Rows = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
    return ranges


def _rows_per_band(threshold: float) -> int:
    """Return the longest bands that still find `_WANTED_RECALL` of the pairs at the threshold."""
    rows = 1
    while rows < _SLOTS and _recall(threshold, rows + 1) >= _WANTED_RECALL:
        rows += 1
    return rows


def _recall(similarity: float, rows: int) -> float:
    return float(1 - (1 - similarity**rows) ** (_SLOTS // rows))


def _bands(n_rows: int) -> Iterator[tuple[int, int]]:
    """Yield a seed and a number of bands, until all slots are used."""
    n_bands = _SLOTS // n_rows
    for seed, start in enumerate(range(0, n_bands, _BANDS_AT_ONCE)):
        yield seed, min(_BANDS_AT_ONCE, n_bands - start)


def _suspects(words: NDArray[np.uint32], ends: _Rows, n_rows: int) -> _Rows:
    """Return the rows that share a band with another, sorted."""
    is_suspect: NDArray[np.bool_] = np.zeros(len(ends) - 1, dtype=np.bool_)
    for seed, bands in _bands(n_rows):
        matrix = _digests(words, ends, bands * n_rows, seed)
        index = RMinHashLSH(threshold=0.5, num_perm=bands * n_rows, num_bands=bands)
        is_suspect |= np.array(index.query_duplicate_flags_matrix_one_shot(matrix), dtype=np.bool_)
    return np.flatnonzero(is_suspect)


def _digests(words: NDArray[np.uint32], ends: _Rows, slots: int, seed: int) -> RMinHashDigestMatrix:
    wide = words.astype(np.uint64) * _GOLDEN  # rensa takes 64 bits and expects them well mixed
    return RMinHash.digest_matrix_from_flat_token_hashes(wide, ends.astype(np.uint64), slots, seed)


def _same(folded: NDArray[np.uint64], rank: _Rows) -> _Codes:
    """Return rows of equal letters, each with the first of its kind: `later * n + earlier`."""
    order = np.lexsort((rank, folded))
    starts = np.flatnonzero(np.diff(folded[order], prepend=~folded[order][:1]) != 0)
    sizes = np.diff(starts, append=len(order))
    firsts = np.repeat(rank[order][starts], sizes)
    codes = rank[order] * len(rank) + firsts
    followers: _Codes = codes[firsts != rank[order]]
    return followers


def _distinct(codes: _Codes) -> _Codes:
    """Return codes sorted, each once (`numpy.unique` hashes them, which is far slower)."""
    ascending = np.sort(codes)
    distinct: _Codes = ascending[np.diff(ascending, prepend=-1) != 0]
    return distinct


def _candidates(sets: _Taken, n_rows: int) -> Iterator[_Codes]:
    """Yield pairs of rows that share a band, coded as `earlier * s + later`, a batch at a time."""
    n = len(sets.ends) - 1
    for seed, bands in _bands(n_rows):
        matrix = _digests(sets.words, sets.ends, bands * n_rows, seed)
        digests = np.array(matrix.to_rows(), dtype=np.uint64).reshape(n, bands, n_rows)
        for band in digests.transpose(1, 0, 2):
            codes = _sharing(_mixed(band))
            for start in range(0, len(codes), _PAIRS_AT_ONCE):
                yield codes[start : start + _PAIRS_AT_ONCE]


def _mixed(band: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        mixed = (mixed ^ column) * _GOLDEN
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _sharing(keys: NDArray[np.uint64]) -> _Codes:
    """Return the pairs of rows with equal keys, of each bucket those with its first rows."""
    n = len(keys)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order][:1]) != 0)
    sizes = np.diff(starts, append=n)
    codes = [np.empty(0, dtype=np.int64)]
    for leader in range(_LEADERS):
        shared = sizes > leader + 1
        if not shared.any():
            break
        begin, size = starts[shared], sizes[shared]
        others = order[_ranges(begin + leader + 1, size - leader - 1)]
        codes.append(np.repeat(order[begin + leader], size - leader - 1) * n + others)
    return np.concatenate(codes)


def _is_near(sets: _Taken, codes: _Codes, threshold: float) -> NDArray[np.bool_]:
    """Return which pairs have a Jaccard similarity of at least `threshold`, exactly."""
    n = len(sets.ends) - 1
    left, right = codes // n, codes % n
    sizes = np.diff(sets.ends)
    both = [
        (np.repeat(np.arange(len(codes)), sizes[rows]).astype(np.uint64) << np.uint64(32))
        | sets.words[_ranges(sets.ends[rows], sizes[rows])]
        for rows in (left, right)
    ]
    merged = np.sort(np.concatenate(both))
    # A set holds a word once: the same word twice in a pair is in both.
    twice = merged[1:][merged[1:] == merged[:-1]] >> np.uint64(32)
    shared = np.bincount(twice.astype(np.int64), minlength=len(codes))
    union = sizes[left] + sizes[right] - shared
    is_near: NDArray[np.bool_] = shared >= threshold * union - 1e-9
    return is_near
