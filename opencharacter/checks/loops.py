"""Texts that go round in circles."""

import re

from opencharacter.checks.words import words_of

_TIMES = 4  # as often a phrase stands in a row before it is a circle
_RUN = 4  # words that are compared at once
_LEAST_WORDS = 12  # of the whole circle: "no, no, no, no!" is speech
# The same letters over and over, without a space between: words alone do not see these.
_STUTTER = re.compile(r"([^\W\d_]{1,8}?)\1{15,}")
_LEAST_LETTERS = 16  # of a stutter


def repeats(text: str) -> str | None:
    """Return the phrase that a text repeats four times or more in a row, or None.

    A circle of p words shows as runs of four words that all stood p words before. Together the
    repetitions must have 12 words: a refrain or an exclamation is none. Linear in the text; a
    circle with the same four words twice inside is not seen.
    """
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
    last: dict[tuple[str, ...], int] = {}
    distance, run = 0, 0
    for at, four in enumerate(fours):
        found = at - last.get(four, at)
        last[four] = at
        run = run + 1 if found and found == distance else min(found, 1)
        distance = found
        # `run` times four words stood `distance` before: so many words are in the circle.
        whole = run + _RUN - 1 + distance
        if distance and whole >= max(_LEAST_WORDS, _TIMES * distance):
            end = at + _RUN
            return f"{' '.join(words[end - distance : end])[:80]!r} {whole // distance} times"
    return None
