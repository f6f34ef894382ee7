"""How many characters are of one mould: groups of profiles that say nearly the same.

Two texts are of one archetype if they share half of the words of both (Jaccard), small words and
the characters' own names left out. Each text follows the earliest near one that follows nobody, so
that all of a group are near its first; the order is that of hashes, and hangs on no order of rows.

Sources: effective number of groups, the exponential of the entropy of their shares, Jost 2006
(Oikos 113); MinHash finds the pairs (see `minhash`), each is decided exactly.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.checks.words import words_of
from opencharacter.ids import stable_number
from opencharacter.language import SMALL
from opencharacter.minhash import Bands, Sets, near_pairs
from opencharacter.population.entropy import entropy
from opencharacter.population.texts import spread
from opencharacter.sources.groups import first_near

_NEAR = 0.5
_BANDS = Bands(42, 3)  # miss one in 270 of the pairs that are just near, fewer of nearer ones
_COMPARED = 5000  # texts
_DEALS = 5
_MOST_WORDS = 6
_SMALL_WORDS = frozenset(
    f"{' '.join(SMALL.values())} a an in on at by as or but he she his her him they their them i "
    "me we our its who s always never very also has had than then who's doesn't can't".split()
)


class Archetypes(NamedTuple):
    """How far the texts of a population fall into groups that say nearly the same."""

    characters: int
    """With a text that has other words than small ones."""
    groups: int
    """A text that is near no other is a group of its own."""
    effective: float
    """How many groups of one size would be as uneven; at most `characters`."""
    effective_chance: float
    """Mean of the same when all words are dealt out anew, texts keeping their lengths."""
    largest: float
    """Share of characters in the largest group."""
    largest_chance: float
    """Mean of the same when all words are dealt out anew."""
    repeated: float
    """Share of characters whose group has others too."""
    commonest: tuple[tuple[str, int], ...]
    """What half of a group or more say, and its size; the largest groups of two or more."""


def archetypes(texts: Sequence[str], names: Sequence[str], *, top: int = 5) -> Archetypes | None:
    """Group the texts; of more than 5,000 some, spread over all. None = there are no two.

    Args:
        texts: One of each character.
        names: (n,) theirs, whose words do not count.
        top: How many of the largest groups are described.
    """
    pairs = spread(list(zip(texts, names, strict=True)), _COMPARED)
    said = [frozenset(words_of(t)) - _SMALL_WORDS - {*words_of(n)} for t, n in pairs]
    said = sorted(filter(None, said), key=lambda words: stable_number(sorted(words)))
    if len(said) < 2:
        return None
    leaders = _leaders(_sets(said))
    dealt = [_sizes(_leaders(_dealt(_sets(said), seed))) for seed in range(_DEALS)]
    sizes = _sizes(leaders)
    return Archetypes(
        characters=len(said),
        groups=len(sizes),
        effective=math.exp(entropy(sizes)),
        effective_chance=float(np.mean([math.exp(entropy(each)) for each in dealt])),
        largest=float(sizes.max() / len(said)),
        largest_chance=float(np.mean([each.max() / len(said) for each in dealt])),
        repeated=float(sizes[sizes > 1].sum() / len(said)),
        commonest=tuple(_described(said, leaders, top)),
    )


def _sets(said: Sequence[frozenset[str]]) -> Sets:
    """Return the words as numbers, 0 for none of them; a text keeps its place."""
    numbers: dict[str, int] = {}
    tokens = [numbers.setdefault(word, len(numbers)) for words in said for word in sorted(words)]
    owners = np.repeat(np.arange(len(said)), [len(words) for words in said])
    return Sets.of(owners, np.array(tokens, dtype=np.uint32), len(said))


def _dealt(sets: Sets, seed: int) -> Sets:
    """Return sets of the same sizes, with the words of all dealt out anew; twice is once."""
    owners = np.repeat(np.arange(len(sets.ends) - 1), np.diff(sets.ends))
    tokens = np.random.default_rng(seed).permutation(sets.tokens)
    return Sets.of(owners, tokens, len(sets.ends) - 1)


def _leaders(sets: Sets) -> NDArray[np.int64]:
    """Return whom each text follows, (n,)."""
    n = len(sets.ends) - 1
    return first_near(near_pairs(sets, _BANDS, _NEAR, np.arange(n)), n)


def _sizes(leaders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the size of each group, (g,)."""
    return np.unique(leaders, return_counts=True)[1]


def _described(
    said: Sequence[frozenset[str]], leaders: NDArray[np.int64], top: int
) -> list[tuple[str, int]]:
    """Return what most of the largest groups say, and their sizes."""
    largest = [pair for pair in Counter(leaders.tolist()).most_common(top) if pair[1] > 1]
    found = []
    for leader, size in largest:
        words = Counter(word for row in np.flatnonzero(leaders == leader) for word in said[row])
        ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
        shared = [word for word, n in ranked if 2 * n >= size]
        found.append((", ".join(shared[:_MOST_WORDS]), size))
    return found
