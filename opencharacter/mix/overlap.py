"""What a mixture shares with evaluation suites: long runs of words, and personas.

The suites are indexed, the rows stream past: memory hangs on the suites alone, about 12 bytes for
each of their words besides their text. A text of a suite with `words` words or more (13, as in
appendix C of GPT-3, Brown et al. 2020, arXiv 2005.14165) is found by any run of so many, a shorter
one where it occurs whole. A question of 3 to 7 words (8 is GPT-3's smallest N) counts only where it
is all that somebody says, such an answer ("True.") never. Case, punctuation and white space do not
count.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.checks.words import words_of
from opencharacter.mix.suites import Item

_Hashes = NDArray[np.uint64]
_WHOLE_TURN = 8  # words; a shorter question has to be the whole turn
_LEAST = 3  # words; "Hello." overlaps with nothing
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 2**64)
_EXAMPLES = 5
_SHOWN_CHARS = 200


class By(StrEnum):
    """How an overlap was found."""

    words = "words"
    persona = "persona"


class Hit(NamedTuple):
    """A row shares something with an item of a suite."""

    item: Item
    by: By
    shared: str
    """The words in question, normalised; of a persona the suite's persona."""

    def __str__(self) -> str:
        """Say what is shared with which item."""
        what = "words" if self.by is By.words else "the persona"
        return f"shares {what} with {self.item.suite}, {self.item.place}: {self.shared!r}"


def normal_words(text: str) -> list[str]:
    """Return the words that are compared: compatible forms and apostrophes made one, lower case."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return words_of(plain)


class SuiteIndex:
    """Finds the items of suites that a row overlaps with."""

    def __init__(self, items: Iterable[Item], *, words: int, persona_overlap: float) -> None:
        """Read the items.

        Args:
            items: Of all suites.
            words: Words in a row that are an overlap.
            persona_overlap: Share of words from which on two personas are alike, in (0, 1].
        """
        self.items = list(items)
        of_persona: defaultdict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(self.items):
            of_persona[item.persona].append(number)
        of_persona.pop("", None)
        self._same_persona = list(of_persona.values())
        self._questions = _Runs(
            ((text, i) for i, item in enumerate(self.items) for text in item.questions), words
        )
        self._answers = _Runs(
            ((text, i) for i, item in enumerate(self.items) for text in item.answers), words
        )
        personas = list(of_persona)
        self._in_personas = _Runs(((text, i) for i, text in enumerate(personas)), words)
        self._alike = _Alike(personas, persona_overlap)
        self._personas = personas
        self._known: dict[str, list[Hit]] = {}

    def find(self, turns: Sequence[str], persona: str) -> list[Hit]:
        """Return what is shared, each item once for each way; those by words first.

        Args:
            turns: What user and assistant say.
            persona: Of the character; empty = none.
        """
        found: dict[int, str] = {}
        for said in map(_Said, turns):
            found |= dict(self._questions.find(said))
            if said.rolling is not None:
                found |= dict(self._answers.find(said))
        hits = [Hit(self.items[number], By.words, words) for number, words in found.items()]
        if persona and persona not in self._known:  # once a character: it has many rows
            self._known[persona] = list(self._find_persona(persona))
        return hits + self._known.get(persona, [])

    def _find_persona(self, persona: str) -> Iterator[Hit]:
        alike = set(self._alike.find(persona))
        alike |= {number for number, _ in self._in_personas.find(_Said(persona))}
        for number in sorted(alike):
            for item in self._same_persona[number]:
                yield Hit(self.items[item], By.persona, self._personas[number])


class _Runs:
    """Texts of suites by the hashes of their runs of words."""

    def __init__(self, texts: Iterable[tuple[str, int]], words: int) -> None:
        """Index texts, each with the number by which it is found again."""
        self._texts: list[tuple[str, int]] = []
        self._short: defaultdict[str, list[int]] = defaultdict(list)
        runs: defaultdict[int, list[_Hashes]] = defaultdict(list)
        owners: defaultdict[int, list[NDArray[np.int32]]] = defaultdict(list)
        for text, number in texts:
            said = _Said(text)
            if said.rolling is None:
                if len(said.words) >= _LEAST:
                    self._short[" ".join(said.words)].append(number)
                continue
            size = min(len(said.words), words)
            hashes = said.rolling.runs(size)
            runs[size].append(hashes)
            owners[size].append(np.full(len(hashes), len(self._texts), dtype=np.int32))
            self._texts.append((" ".join(said.words), number))
        self._sorted: dict[int, tuple[_Hashes, NDArray[np.int32]]] = {}
        for size, parts in runs.items():
            whole = np.concatenate(parts)
            order = np.argsort(whole, kind="stable")
            self._sorted[size] = (whole[order], np.concatenate(owners[size])[order])

    def find(self, said: "_Said") -> Iterator[tuple[int, str]]:
        """Yield the numbers of the texts that share a run with what is said, with the run."""
        if said.rolling is None:
            whole = " ".join(said.words)
            yield from ((number, whole) for number in self._short.get(whole, ()))
            return
        for size, (known, owners) in self._sorted.items():
            if size > len(said.words):
                continue
            runs = said.rolling.runs(size)
            first = np.searchsorted(known, runs)
            met = np.flatnonzero(known[np.minimum(first, len(known) - 1)] == runs)
            last = np.searchsorted(known, runs[met], side="right")
            for place, end in zip(met.tolist(), last.tolist(), strict=True):
                shared = " ".join(said.words[place : place + size])
                yield from self._owners(shared, owners[int(first[place]) : end])

    def _owners(self, shared: str, owners: NDArray[np.int32]) -> Iterator[tuple[int, str]]:
        """Yield those that do have the words: two runs may share a hash."""
        for words, number in (self._texts[owner] for owner in owners.tolist()):
            if f" {shared} " in f" {words} ":
                yield number, shared


class _Said:
    """The words of a text; and their hashes, unless it is short."""

    def __init__(self, text: str) -> None:
        self.words = normal_words(text)
        self.rolling = _Rolling(self.words) if len(self.words) >= _WHOLE_TURN else None


class _Rolling:
    """Hashes of every run of words, of any size (Karp and Rabin): sum(hash x base**place)."""

    def __init__(self, words: Sequence[str]) -> None:
        # Python's own hash differs from process to process; nothing of it is kept.
        hashes = np.array([hash(word) for word in words], dtype=np.int64).view(np.uint64)
        self._sums = np.zeros(len(words) + 1, dtype=np.uint64)
        np.cumsum(hashes * _powers(_BASE, len(words)), out=self._sums[1:])  # (n + 1,), wraps
        self._inverse = _powers(_INVERSE, len(words))  # (n,)

    def runs(self, size: int) -> _Hashes:
        """Return (n - size + 1,) hashes modulo 2**64, as if each run began the text."""
        sums = self._sums[size:] - self._sums[:-size]  # (n - size + 1,)
        return sums * self._inverse[: len(sums)]


_POWERS: dict[int, _Hashes] = {}


def _powers(base: int, n: int) -> _Hashes:
    """Return base**0 to base**(n - 1) modulo 2**64."""
    known = _POWERS.get(base)
    if known is None or len(known) < n:
        factors = np.full(max(n, 4096), base, dtype=np.uint64)
        factors[0] = 1
        known = _POWERS[base] = np.cumprod(factors)
    return known[:n]


class _Alike:
    """Sets of words by their rarest ones: those alike enough share one (Bayardo et al. 2007)."""

    def __init__(self, texts: Sequence[str], least: float) -> None:
        self._least = least
        self._sets = [frozenset(normal_words(text)) for text in texts]
        self._often = Counter(word for words in self._sets for word in words)
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(self._sets):
            for word in self._prefix(words):
                self._by_word[word].append(number)

    def find(self, text: str) -> list[int]:
        """Return the numbers of the texts whose words are shared by so much (Jaccard)."""
        words = frozenset(normal_words(text))
        near = {n for word in self._prefix(words) for n in self._by_word.get(word, ())}
        return [number for number in near if self._likeness(words, number) >= self._least]

    def _likeness(self, words: frozenset[str], number: int) -> float:
        other = self._sets[number]
        return len(words & other) / len(words | other)

    def _prefix(self, words: frozenset[str]) -> list[str]:
        """Return so many of the rarest words that one of them must be shared."""
        ordered = sorted(words, key=lambda word: (self._often[word], word))
        return ordered[: len(words) - ceil(self._least * len(words) - 1e-9) + 1] if words else []


@dataclass(kw_only=True)
class SuiteOverlap:
    """What rows share with one suite."""

    items: int = 0
    rows_hit: int = 0
    rows_by_words: int = 0
    rows_by_persona: int = 0
    items_hit: set[Item] = field(default_factory=set)
    examples: list[dict[str, str]] = field(default_factory=list)


class OverlapReport:
    """Counts the rows that overlap, by suite."""

    def __init__(self, index: SuiteIndex) -> None:
        """Begin with nothing found.

        Args:
            index: Of the suites.
        """
        self.rows = 0
        self.rows_hit = 0
        self.suites: dict[str, SuiteOverlap] = {}
        for item in index.items:
            self.suites.setdefault(item.suite, SuiteOverlap()).items += 1

    def add(self, row_id: str, hits: Sequence[Hit]) -> None:
        """Count a row and what was found in it."""
        self.rows += 1
        self.rows_hit += bool(hits)
        ways: defaultdict[str, set[By]] = defaultdict(set)
        for hit in hits:
            suite = self.suites[hit.item.suite]
            suite.items_hit.add(hit.item)
            if hit.item.suite not in ways and len(suite.examples) < _EXAMPLES:
                shared = hit.shared[:_SHOWN_CHARS]
                suite.examples.append(
                    {"row": row_id, "item": hit.item.place, "by": str(hit.by), "shared": shared}
                )
            ways[hit.item.suite].add(hit.by)
        for name, by in ways.items():
            self.suites[name].rows_hit += 1
            self.suites[name].rows_by_words += By.words in by
            self.suites[name].rows_by_persona += By.persona in by
