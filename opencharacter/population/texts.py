"""How varied texts are.

The moving-average type-token ratio, `uniformity` and `alike` do not hang on how much text there
is. Distinct-n falls with it up to 100,000 words, compression and `nearest` grow with it: compare
these between sets of one size.

Sources: distinct-n, Li et al. 2016 (arXiv 1510.03055); moving-average type-token ratio, Covington
and McFall 2010; compression ratio, Shaib et al. 2024 (arXiv 2403.00553); uniformity, Wang and Isola
2020 (arXiv 2005.10242), here of hashed word n-grams instead of learned embeddings.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from opencharacter.checks.words import words_of

WINDOW = 50
"""Words in the window of the moving-average type-token ratio."""

_DIMENSIONS = 512
_PIECE = 100_000  # words: distinct-n falls with length, so it is taken over pieces of equal size
_OPENING = 3  # words
_COMPARED = 2000  # texts, two by two

_Item = TypeVar("_Item")


class Variety(NamedTuple):
    """How varied a set of texts is."""

    texts: int
    words: int
    distinct_1: float
    """Share of words that are different, over pieces of equal size; also of pairs, below."""
    distinct_2: float
    mattr: float | None
    """Mean share of different words in windows of 50 words; None = no text is so long."""
    compression: float
    """Bytes over bytes when compressed; larger = more repetitive."""
    uniformity: float | None
    """Log of the mean Gaussian similarity of two texts, at most 0; lower = more spread out. None =
    there are no two texts; also below."""
    nearest: float | None
    """Mean cosine similarity of a text to the one most like it, at most 1."""
    alike: float | None
    """Mean cosine similarity of two texts, at most 1; about 0 = they share no words."""


def variety(texts: Sequence[str], *, piece: int = _PIECE) -> Variety:
    """Measure texts; at most 2,000 of them two by two, evenly spread over all.

    Args:
        texts: In any order.
        piece: Words over which distinct-n is taken; sets are comparable at equal values only.
    """
    words = [words_of(text) for text in texts]
    flat = [word for each in words for word in each]
    similar = _similar(words)
    return Variety(
        texts=len(texts),
        words=len(flat),
        distinct_1=distinct(flat, 1, piece),
        distinct_2=distinct(flat, 2, piece),
        mattr=mattr(words),
        compression=compression_ratio(texts),
        uniformity=_uniformity(similar),
        nearest=_nearest(similar),
        alike=_alike(similar),
    )


def alike(texts: Iterable[str]) -> float | None:
    """Return the mean cosine similarity of two of the texts, as `Variety` has it."""
    return _alike(_similar([words_of(text) for text in texts]))


def _similar(words: Sequence[list[str]]) -> NDArray[np.float64]:
    """Return how similar texts are, two by two; of more than 2,000 some, spread over all."""
    vectors = np.stack([vector(each) for each in spread(words)]) if words else np.zeros((0, 1))
    return vectors @ vectors.T


def spread(items: Sequence[_Item], most: int = _COMPARED) -> Sequence[_Item]:
    """Return every k-th: neighbours are of one character and say too little about the others."""
    return items[:: -(-len(items) // most)] if items else items


def distinct(words: Sequence[str], n: int, piece: int = _PIECE) -> float:
    """Return the share of different n-grams, the mean over pieces of `piece` words."""
    starts = range(0, max(1, len(words) - piece + 1), piece)
    shares = []
    for start in starts:
        part = words[start : start + piece]
        grams = list(zip(*(part[i:] for i in range(n)), strict=False))
        shares.append(len(set(grams)) / len(grams) if grams else 0.0)
    return float(np.mean(shares))


def mattr(texts: Iterable[Sequence[str]], window: int = WINDOW) -> float | None:
    """Return the moving-average type-token ratio; texts shorter than the window are left out.

    None if all are.
    """
    ratios = [ratio for words in texts for ratio in _ratios(words, window)]
    return float(np.mean(ratios)) if ratios else None


def compression_ratio(texts: Sequence[str]) -> float:
    """Return how many times smaller zlib makes the texts together."""
    data = "\n".join(texts).encode("utf-8", "replace")
    return len(data) / len(zlib.compress(data, 6)) if data else 0.0


def vector(words: Sequence[str]) -> NDArray[np.float64]:
    """Return a text's words and word pairs, hashed into 512 signed dimensions, of length 1."""
    found = np.zeros(_DIMENSIONS)
    grams = [*words, *(" ".join(pair) for pair in pairwise(words))]
    for gram, count in Counter(grams).items():
        number = int.from_bytes(blake2b(gram.encode(), digest_size=8).digest(), "big")
        found[number % _DIMENSIONS] += (1 if number >> 63 else -1) * np.log1p(count)
    length = float(np.linalg.norm(found))
    return found / length if length else found


def openings(texts: Iterable[str], top: int) -> list[tuple[str, int]]:
    """Return the commonest first three words: characters out of one mould begin alike."""
    found = Counter(" ".join(words_of(text)[:_OPENING]) for text in texts)
    return found.most_common(top)


def _ratios(words: Sequence[str], window: int) -> list[float]:
    if len(words) < window:
        return []
    inside = Counter(words[:window])
    ratios = [len(inside) / window]
    for left, entered in zip(words, words[window:], strict=False):
        inside[entered] += 1
        inside[left] -= 1
        if not inside[left]:
            del inside[left]
        ratios.append(len(inside) / window)
    return ratios


def _alike(similar: NDArray[np.float64]) -> float | None:
    n = len(similar)
    return float((similar.sum() - np.trace(similar)) / (n * (n - 1))) if n > 1 else None


def _uniformity(similar: NDArray[np.float64]) -> float | None:
    n = len(similar)
    if n < 2:
        return None
    squared = 2 - 2 * similar[np.triu_indices(n, 1)]
    return float(np.log(np.mean(np.exp(-2 * squared))))


def _nearest(similar: NDArray[np.float64]) -> float | None:
    if len(similar) < 2:
        return None
    others = similar - 2 * np.eye(len(similar))
    return float(np.mean(np.max(others, axis=1)))
