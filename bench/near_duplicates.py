"""MinHash libraries for near-duplicates among personas: speed, recall, precision, memory.

    python bench/near_duplicates.py persona.jsonl [threshold]     # pip install datasketch gaoya

Of each persona of the file there are five variants, each with 1 word up to half of them replaced,
dropped or added. True are the pairs of one family whose sets of words overlap by the threshold,
counted one by one. Each library runs in a process of its own, with 256 hash values a text, and
measured is all from text to pairs; memory is what the peak grew by. `ours` is `sources.near`.
"""

import json
import random
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np

from opencharacter.sources.near import WordSets

LIBRARIES = ("ours", "rensa", "datasketch", "gaoya")
VARIANTS = 5
SLOTS = 256
Pairs = set[tuple[int, int]]


def families(path: str) -> list[tuple[int, str]]:
    """Return personas and their variants with the number of the family, shuffled."""
    rng = random.Random(0)
    with Path(path).open(encoding="utf-8") as file:
        texts = [json.loads(line)["persona"] for line in file]
    words = [word for text in texts for word in text.split()]
    rows = list(enumerate(texts))
    for family, text in enumerate(texts):
        for _ in range(VARIANTS):
            edited = text.split()
            for _ in range(rng.randint(1, max(1, len(edited) // 2))):
                at, how = rng.randrange(len(edited)), rng.random()
                edited[at : at + (how < 0.8)] = [] if 0.6 < how < 0.8 else [rng.choice(words)]
                edited = edited or [rng.choice(words)]
            variant = " ".join(edited)
            rows.append((family, variant if tokens(variant) else text))
    rng.shuffle(rows)
    return rows


def tokens(text: str) -> list[str]:
    """Return the words of a text, lower case."""
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()


def overlap(one: set[str], other: set[str]) -> float:
    """Return the Jaccard similarity of two sets."""
    return len(one & other) / max(1, len(one | other))


def ours(texts: list[str], threshold: float) -> Pairs:
    """Find near pairs with `opencharacter.sources.near`."""
    sets = WordSets()
    for text in texts:
        sets.add(text)
    found = sets.near_pairs(np.arange(len(texts)), threshold)
    return set(found.each())


def rensa(texts: list[str], threshold: float) -> Pairs:
    """Find near pairs with rensa alone: its index, then its estimate."""
    from rensa import RMinHash, RMinHashLSH  # noqa: PLC0415

    hashed = RMinHash.from_token_sets([tokens(text) for text in texts], SLOTS, 1)
    index = RMinHashLSH(threshold=threshold, num_perm=SLOTS, num_bands=32)
    index.insert_many(hashed)
    return {
        (earlier, later)
        for later, candidates in enumerate(index.query_all(hashed))
        for earlier in candidates
        if earlier < later and hashed[earlier].jaccard(hashed[later]) >= threshold
    }


def datasketch(texts: list[str], threshold: float) -> Pairs:
    """Find near pairs with datasketch: its index, then its estimate."""
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415

    index = MinHashLSH(num_perm=SLOTS, params=(32, 8))
    hashed, found = [], set()
    words = [[word.encode() for word in tokens(text)] for text in texts]
    for later, one in enumerate(MinHash.generator(words, num_perm=SLOTS)):
        for earlier in index.query(one):
            if one.jaccard(hashed[earlier]) >= threshold:
                found.add((earlier, later))
        index.insert(later, one)
        hashed.append(one)
    return found


def gaoya(texts: list[str], threshold: float) -> Pairs:
    """Find near pairs with gaoya, whose index compares by itself."""
    from gaoya.minhash import MinHashStringIndex  # noqa: PLC0415

    index = MinHashStringIndex(
        hash_size=32, jaccard_threshold=threshold, num_bands=32, band_size=8, num_hashes=SLOTS,
        analyzer="word", lowercase=True, ngram_range=(1, 1),
    )  # fmt: skip
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    return {
        (earlier, later)
        for later, candidates in enumerate(index.par_bulk_query(texts))
        for earlier in candidates
        if earlier < later
    }


def measure(library: str, path: str, threshold: float) -> None:
    """Print a line about one library."""
    rows = families(path)
    texts = [text for _, text in rows]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    found: Pairs = globals()[library](texts, threshold)
    seconds = time.perf_counter() - start
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    sets = [set(tokens(text)) for text in texts]
    members: dict[int, list[int]] = {}
    for row, (family, _) in enumerate(rows):
        members.setdefault(family, []).append(row)
    true = {
        pair
        for family in members.values()
        for pair in combinations(family, 2)
        if overlap(sets[pair[0]], sets[pair[1]]) >= threshold
    }
    right = sum(overlap(sets[one], sets[other]) >= threshold for one, other in found)
    recall, precision = len(true & found) / len(true), right / max(1, len(found))
    print(
        f"{library:<11} {len(rows):>8,} {len(rows) / seconds:>8,.0f} {recall:>7.3f} "
        f"{precision:>9.3f} {grown / len(rows):>10,.0f}"
    )


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        measure(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        print(
            f"{'':<11} {'rows':>8} {'rows/s':>8} {'recall':>7} {'precision':>9} {'bytes/row':>10}"
        )
        for name in LIBRARIES:
            if name == "ours" or find_spec(name):
                given = [sys.argv[1], *(sys.argv[2:] or ["0.8"])]
                subprocess.run([sys.executable, __file__, "--one", name, *given], check=True)
