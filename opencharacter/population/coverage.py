"""How much of the space of their personas the characters reach.

Personas are what a population was asked to be. Around each there is a neighbourhood, as wide as the
distance to the fifth nearest other persona; covered is one in which there is a text of any
character. Characters of one mould leave most of them empty.

Words are counted as often as they occur in the personas. What other personas would reach is known
exactly, by leaving out one word at a time.

Sources: coverage and its value for equal distributions, Naeem et al. 2020 (arXiv 2002.09797), which
Xiao et al. 2026 (arXiv 2604.24698) take for populations of personas; here of hashed words and word
pairs instead of learned embeddings; coverage of a sample by fewer words, Good 1953 (Biometrika 40),
Chao and Jost 2012 (Ecology 93).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.checks.words import words_of
from opencharacter.population.texts import spread, vector

_NEIGHBOURS = 5
_TOLERANCE = 1e-9  # of sums in another order


class Space(NamedTuple):
    """What is to be covered."""

    vectors: NDArray[np.float64]  # (n, 512) of at most 2,000 personas
    radii: NDArray[np.float64]
    """(n,) similarity to the k-th nearest other persona: what is as similar is inside."""
    neighbours: int
    words: Counter[str]
    """Of all personas."""


class Coverage(NamedTuple):
    """How much of a space some texts reach."""

    covered: float
    """Share of the neighbourhoods that hold a text."""
    chance: float
    """Mean of the same for as many texts drawn as the personas were."""
    half: float
    """What every second text covers: if hardly less, more characters will not reach much more."""
    words: float
    """Share of the personas' words, each as often as it occurs, that the texts hold."""
    words_chance: float
    """Mean of the same for as many words of other personas, at most as many as these have."""


def space_of(personas: Iterable[str], *, neighbours: int = _NEIGHBOURS) -> Space | None:
    """Return the space of some personas; None = there are not more different ones than neighbours.

    Of more than 2,000 some count, spread over all; their words count all.
    """
    different = list(dict.fromkeys(personas))
    if len(different) <= neighbours:
        return None
    vectors = _vectors(different)
    similar = vectors @ vectors.T - 3 * np.eye(len(vectors))  # (n, n) oneself is last
    radii = np.partition(similar, -neighbours, axis=1)[:, -neighbours]  # (n,)
    words = Counter(word for persona in different for word in words_of(persona))
    return Space(vectors, radii, neighbours, words)


def coverage(texts: Sequence[str], space: Space) -> Coverage:
    """Return how much of a space some texts reach; of more than 2,000 some, spread over all."""
    vectors = _vectors(texts)
    inside = vectors @ space.vectors.T >= space.radii - _TOLERANCE  # (m, n)
    words = Counter(word for text in texts for word in words_of(text))
    return Coverage(
        covered=float(inside.any(axis=0).mean()),
        chance=_by_chance(len(space.vectors), len(vectors), space.neighbours),
        half=float(inside[::2].any(axis=0).mean()),
        words=sum(space.words[word] for word in words) / space.words.total(),
        words_chance=_words_by_chance(space.words, words.total()),
    )


def _vectors(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.stack([vector(words_of(text)) for text in spread(texts)])


def _by_chance(n: int, m: int, neighbours: int) -> float:
    """Return the mean share of n neighbourhoods that m texts of the same distribution reach.

    One is empty if the nearest `neighbours` of the other n - 1 + m texts are all personas.
    """
    nearest = np.arange(neighbours)
    return float(1 - np.prod((n - 1 - nearest) / (n - 1 + m - nearest)))


def _words_by_chance(words: Counter[str], n: int) -> float:
    """Return the mean share of words, one left out at a time, that n of the others hold."""
    total = words.total()
    n = min(n, total - 1)
    return sum(
        times * count / total * (1 - _missed(total - 1, count - 1, n))
        for count, times in Counter(words.values()).items()
    )


def _missed(total: int, count: int, n: int) -> float:
    """Return how likely n of `total` words, drawn without return, are none of `count`."""
    if n > total - count:
        return 0.0
    return math.exp(_log_chosen(total - count, n) - _log_chosen(total, n))


def _log_chosen(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
