"""Made-up text with as many rare words as real text has, for benchmarks of tokenizers.

Real text keeps growing its vocabulary, and rare words are what a tokenizer that remembers words is
slow at. Here text goes on from real words by Simon's model (1955, Biometrika 42): the next word is
new at the rate of Heaps' law, V = FORMS * n**GROWTH, else it is one of those so far, chosen as
often as it stands there. So frequencies are Zipf's, and the vocabulary grows as that of real text.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EMBEDDED = Path(__file__).parents[1] / "opencharacter" / "sources" / "embedded"
FORMS, GROWTH = 7.1, 0.69
"""Factor and exponent of Heaps' law of words between spaces: 6,947 different ones among 21,459 and
18,065 among 85,838 of Self-Instruct's tasks, MT-bench's answers and Persona Hub's personas."""


def real_words(files: Sequence[Path] = ()) -> list[str]:
    """Return the words of some files, as often as they stand there.

    Args:
        files: JSON, lines of JSON, or plain text; none = what the package brings.
    """
    found = files or [EMBEDDED / "instructions.jsonl", EMBEDDED / "personas.jsonl"]
    return [word for file in found for text in _texts(file) for word in text.split()]


def _texts(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix not in (".json", ".jsonl"):
        yield text
        return
    yield from _strings(json.loads(text) if file.suffix == ".json" else
                        [json.loads(line) for line in text.splitlines() if line])  # fmt: skip


def _strings(value: object) -> Iterator[str]:
    """Yield what a JSON value says, without the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


class Text:
    """Words that follow one another, to be cut into messages."""

    def __init__(self, real: Sequence[str], n_words: int) -> None:
        """Draw the words.

        Args:
            real: Words that it begins with.
            n_words: How many are wanted after them.
        """
        self._draw = np.random.default_rng(0)
        self._real = np.array(real)
        self._numbers = self._simon(n_words)
        self._spelled: dict[int, str] = {}
        self._at = 0

    def take(self, n_words: int) -> str:
        """Return the next words as a text."""
        taken = self._numbers[self._at : self._at + n_words].tolist()
        self._at += n_words
        return " ".join(self._spelled.get(number) or self._spell(number) for number in taken)

    def _simon(self, n_words: int) -> NDArray[np.int64]:
        """Return a number for each word: where it stood first."""
        n_real = len(self._real)
        places = np.arange(n_real, n_real + n_words)
        is_new = self._draw.random(n_words) < FORMS * GROWTH * places ** (GROWTH - 1)
        copied = np.where(is_new, places, (self._draw.random(n_words) * places).astype(np.int64))
        first = np.concatenate([np.arange(n_real), copied])
        while not np.array_equal(further := first[first], first):  # a copy of a copy of a copy
            first = further
        return first[n_real:]

    def _spell(self, number: int) -> str:
        """Return a real word, or a new one of the beginning, middle and end of three."""
        if number < len(self._real):
            word = str(self._real[number])
        else:
            taken = self._draw.integers(len(self._real), size=3).tolist()
            one, two, three = (str(self._real[at]) for at in taken)
            word = one[: 1 + len(one) // 2] + two[1:3] + three[len(three) // 2 :]
        self._spelled[number] = word
        return word
