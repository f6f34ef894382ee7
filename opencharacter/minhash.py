"""Which of many sets overlap: MinHash in bands finds pairs worth a look, each is decided exactly.

MinHash (Broder, 1997) in bands (Indyk and Motwani, 1998) says which sets to compare; what is called
near has the Jaccard similarity it is said to have. The home of `rensa`, which computes the values;
docs/decisions/0011-personas-at-scale.md says why it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

_ROWS_AT_ONCE = 2048
_BANDS_AT_ONCE = 8
_TOKENS_AT_ONCE = 1 << 19
_PAIRS_AT_ONCE = 1 << 16
# So many sets of a bucket are compared with all others in it: a thousand twins stay linear work.
_LEADERS = 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads the bits of a product

_Rows = NDArray[np.int64]
_Keys = NDArray[np.uint32]
_Hashes = NDArray[np.uint64]
_Number = TypeVar("_Number", np.int64, np.uint32, np.uint64)


class Sets(NamedTuple):
    """Many sets of numbers of 32 bits, one after another; none is empty, and each holds one once.

    Two different tokens of a pair of sets share 32 bits once in ten million pairs of 20 tokens
    each, once in two hundred thousand of 150: then they count as one.
    """

    tokens: NDArray[np.uint32]  # (t,)
    ends: _Rows  # (n + 1,) from 0 to t

    @classmethod
    def of(cls, owners: _Rows, tokens: NDArray[np.uint32], n: int) -> "Sets":
        """Return `n` sets from tokens in any order, each with the number of its set."""
        codes = np.sort((owners.astype(np.uint64) << np.uint64(32)) | tokens)
        codes = codes[np.diff(codes, prepend=~codes[:1]) != 0]
        ends = np.searchsorted(codes, np.arange(n + 1, dtype=np.uint64) << np.uint64(32))
        return cls(codes.astype(np.uint32), ends)

    @classmethod
    def joined(cls, some: "Sequence[Sets]") -> "Sets":
        """Return sets one after another."""
        sizes = [np.diff(sets.ends) for sets in some]
        ends = np.cumsum(np.concatenate([[0], *sizes]))
        return cls(np.concatenate([sets.tokens for sets in some]), ends)

    def sizes(self, rows: _Rows) -> _Rows:
        """Return how many tokens some sets have."""
        return self.ends[rows + 1] - self.ends[rows]


class Bands(NamedTuple):
    """How MinHash values are grouped: sets are compared where those of one band are the same."""

    n: int
    slots: int
    """Values of a band."""

    def recall(self, similarity: float) -> float:
        """Return the share of the pairs of that Jaccard similarity that are found."""
        return 1 - (1 - similarity**self.slots) ** self.n


class Pairs(NamedTuple):
    """Near sets by their ranks, each pair once, sorted by `later`, then `earlier`."""

    earlier: _Rows  # (k,) smaller than `later`
    later: _Rows  # (k,)

    def each(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs as (earlier, later), few at a time as Python's numbers."""
        for start in range(0, len(self.later), _PAIRS_AT_ONCE):
            some = slice(start, start + _PAIRS_AT_ONCE)
            yield from zip(self.earlier[some].tolist(), self.later[some].tolist(), strict=True)


def band_keys(sets: Sets, bands: Bands) -> _Keys:
    """Return a hash of each band of each set, (n, bands.n)."""
    return np.column_stack(list(_by_band(sets, bands)))


def with_company(keys: _Keys | _Hashes) -> NDArray[np.bool_]:
    """Return which sets share a band with another.

    Args:
        keys: (n, b) as `band_keys` returns them.
    """
    found = np.zeros(len(keys), dtype=np.bool_)
    for band in keys.T:
        ordered = np.sort(band)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        found |= _among(band, repeated)
    return found


def near_pairs(
    sets: Sets,
    bands: Bands,
    threshold: float,
    rank: _Rows,
    *,
    same: _Hashes | None = None,
    chained: bool = False,
) -> Pairs:
    """Return the pairs of sets whose Jaccard similarity is at least `threshold`.

    Of those that share a band with more than 16 others each is compared with the first 16: whether
    a pair is found hangs on it and on what comes before it alone. Memory grows by about 60 bytes a
    set and 30 a pair that is near: of sets made from one template there may be 100 pairs a set.

    Args:
        sets: What to compare.
        bands: Which pairs are found.
        threshold: In (0, 1].
        rank: (n,) a permutation of 0 to n - 1, by which pairs name the sets.
        same: (n,) Sets of the same hash are near whatever is in them, each to the first of them.
        chained: Pair each set with the first that it is connected with, be it over others, alone.
    """
    n = len(rank)
    row_of = np.argsort(rank)
    near = np.empty(0, dtype=np.int64)  # later * n + earlier, sorted
    if same is not None:
        near = np.sort(next(_sharing(same[row_of])))
    root = np.arange(n)  # of each row the first of all that it is connected with
    _unite(root, near if chained else near[:0])
    for keys in _by_band(sets, bands):
        found = [near]
        for codes in _sharing(keys[row_of]):
            is_new = root[codes % n] != root[codes // n] if chained else ~_among(codes, near)
            new = codes[is_new]
            is_near = similarity(sets, row_of[new % n], row_of[new // n]) >= threshold
            if chained:
                _unite(root, new[is_near])
            else:
                found.append(new[is_near])
        near = np.concatenate(found)
        near.sort()
    if chained:
        rows = np.flatnonzero(root != np.arange(n))
        return Pairs(earlier=root[rows], later=rows)
    return Pairs(earlier=near % n, later=near // n)


def similarity(sets: Sets, left: _Rows, right: _Rows) -> NDArray[np.float64]:
    """Return the Jaccard similarity of pairs of sets, exactly.

    Args:
        sets: Those that the pairs are of.
        left: (k,) numbers of sets.
        right: (k,)
    """
    shared = np.zeros(len(left), dtype=np.int64)
    sizes = sets.sizes(left) + sets.sizes(right)
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // _TOKENS_AT_ONCE, prepend=-1))
    for start, end in pairwise([*cuts.tolist(), len(left)]):
        both = [_placed(sets, left[start:end]), _placed(sets, right[start:end])]
        merged = np.sort(np.concatenate(both))
        # A set holds a token once: the same token twice in a pair is in both.
        twice = merged[1:][merged[1:] == merged[:-1]] >> np.uint64(32)
        shared[start:end] = np.bincount(twice.astype(np.int64), minlength=end - start)
    return shared / (sizes - shared)


def _by_band(sets: Sets, bands: Bands) -> Iterator[_Keys]:
    """Yield the keys of one band of all sets, (n,), band after band."""
    for first in range(0, bands.n, _BANDS_AT_ONCE):
        some = Bands(min(_BANDS_AT_ONCE, bands.n - first), bands.slots)
        keys: _Keys = np.empty((len(sets.ends) - 1, some.n), dtype=np.uint32)
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            end = start + _ROWS_AT_ONCE
            keys[start:end] = _hashed_bands(sets, slice(start, end + 1), some, seed=first)
        yield from keys.T


def _hashed_bands(sets: Sets, rows: slice, bands: Bands, seed: int) -> _Keys:
    ends = sets.ends[rows]
    tokens = sets.tokens[ends[0] : ends[-1]].astype(np.uint64) * _GOLDEN  # rensa wants them mixed
    values = RMinHash.digest_matrix_from_flat_token_hashes(
        tokens, (ends - ends[0]).astype(np.uint64), bands.n * bands.slots, seed
    )
    slots = np.array(values.to_rows(), dtype=np.uint64).reshape(-1, bands.n, bands.slots)
    factors = np.multiply.accumulate(np.full(bands.slots, _GOLDEN))
    keys: _Keys = (slots @ factors >> np.uint64(32)).astype(np.uint32)
    return keys


def _sharing(keys: _Keys | _Hashes) -> Iterator[_Rows]:
    """Yield pairs of rows of equal keys as `later * n + earlier`; there may be none in a batch."""
    n = len(keys)
    rows = np.flatnonzero(with_company(keys[:, None]))
    rows = rows[np.argsort(keys[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(keys[rows], prepend=~keys[rows][:1]) != 0)
    sizes = np.diff(starts, append=len(rows))
    for leader in range(_LEADERS):
        shared = sizes > leader + 1
        begin, size = starts[shared] + leader, sizes[shared] - leader - 1
        yield rows[_ranges(begin + 1, size)] * n + np.repeat(rows[begin], size)
        if not shared.any():
            return


def _unite(root: _Rows, codes: _Rows) -> None:
    """Note more pairs in `root`, of each row the first that it is connected with (union-find)."""

    def root_of(row: int) -> int:
        while root[row] != row:
            row = int(root[row])
        return row

    for code in codes.tolist():
        first, second = sorted(map(root_of, divmod(code, len(root))))
        root[second] = first
    while len(codes) and (root[root] != root).any():
        root[:] = root[root]


def _among(some: NDArray[_Number], known: NDArray[_Number]) -> NDArray[np.bool_]:
    """Return which of `some` are in `known`, which is sorted."""
    if not len(known):
        return np.zeros(len(some), dtype=np.bool_)
    at = np.minimum(np.searchsorted(known, some), len(known) - 1)
    found: NDArray[np.bool_] = known[at] == some
    return found


def _placed(sets: Sets, rows: _Rows) -> NDArray[np.uint64]:
    """Return the tokens of some sets, each behind the place of its set in `rows`: 32 bits each."""
    sizes = sets.sizes(rows)
    place = np.repeat(np.arange(len(rows), dtype=np.uint64), sizes)
    return (place << np.uint64(32)) | sets.tokens[_ranges(sets.ends[rows], sizes)]


def _ranges(starts: _Rows, sizes: _Rows) -> _Rows:
    """Return start, start + 1, ... of each start, `sizes` of them, one after another."""
    before = np.cumsum(sizes) - sizes
    ranges: _Rows = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
    return ranges
