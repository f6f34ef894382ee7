"""Texts that go round in circles."""

import re
from itertools import accumulate, takewhile

from opencharacter.checks.words import words_of

_TIMES = 4  # as often a phrase stands in a row before it is a circle
_TIMES_OF_WORD = 32  # "la la la la"
_TIMES_OF_PARAGRAPH = 3
_PARAGRAPH = 20  # words
_BACK = 64  # words
_RUN = 4  # words that are compared at once
_LEAST_WORDS = 16  # of the whole circle: "let it be, let it be, let it be, let it be" is a song
# The same letters over and over, without a space between: words alone do not see these. Forty
# times is no drawn-out "Nooooo!" any more.
_STUTTER = re.compile(r"([^\W\d_]{1,8}?)\1{39,}")
_LEAST_LETTERS = 40  # of a stutter
_CODE = re.compile(r"```.*?```|\[[^\[\]\n]*\]", re.DOTALL)
_WANTED = re.compile(
    r"\brepeat|\bover and over\b|\b(?:\d{2,}|ten|twenty|fifty|hundred) times\b", re.I
)


def repeats(text: str, question: str = "") -> str | None:
    """Return the phrase that a text repeats four times or more in a row, or None.

    A circle of p words shows as runs of four words that all stood p words before. Together the
    repetitions must have 16 words: a refrain or an exclamation is none. Of 20 words or more, three
    times are enough; a single word must stand 32 times. Code, lists in brackets and numbers may
    be alike, and so may all that the question wants repeated. Linear in the text.
    """
    if _WANTED.search(question):
        return None
    if "[" in text or "```" in text:
        text = _CODE.sub(lambda code: f" code{len(code[0])} ", text)
    # Hardly a word is that long, and looking costs a thousand times as much as counting.
    longest = max(map(len, text.split()), default=0)
    if longest >= _LEAST_LETTERS and (stutter := _STUTTER.search(text)):
        return f"{stutter[1]!r} {len(stutter[0]) // len(stutter[1])} times"
    words = words_of(text)
    if len(words) < _LEAST_WORDS:
        return None
    fours = list(zip(*(words[i:] for i in range(_RUN)), strict=False))
    if len(set(fours)) == len(fours):
        return None
    wordy = list(accumulate(map(_is_word, words), initial=0))
    last: dict[tuple[str, ...], int] = {}
    distance, run = 0, 0
    for at, four in enumerate(fours):
        # Four words may stand nearer too, by chance; what counts is that the circle goes on.
        if distance and four == fours[at - distance]:
            run += 1
        else:
            distance = at - last.get(four, at)
            run = _alike(fours, at, distance)
        last[four] = at
        # `run` times four words stood `distance` before: so many words are in the circle.
        whole = run + _RUN - 1 + distance
        end = at + _RUN
        is_circle = distance and whole >= max(_LEAST_WORDS, _times(distance) * distance)
        if is_circle and wordy[end] > wordy[end - distance]:
            return f"{' '.join(words[end - distance : end])[:80]!r} {whole // distance} times"
    return None


def _times(words: int) -> int:
    if words == 1:
        return _TIMES_OF_WORD
    return _TIMES if words < _PARAGRAPH else _TIMES_OF_PARAGRAPH


def _alike(fours: list[tuple[str, ...]], at: int, distance: int) -> int:
    """Return for how many places, up to `at` and at most `_BACK`, the same stood before."""
    if not distance:
        return 0
    back = range(at, max(at - _BACK, distance - 1), -1)
    return sum(1 for _ in takewhile(lambda i: fours[i] == fours[i - distance], back))


def _is_word(word: str) -> bool:
    return word.isalpha() and (len(word) > 1 or not word.isascii())
