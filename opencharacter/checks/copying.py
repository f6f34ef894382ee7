"""Answers that give the question back."""

from collections.abc import Sequence
from itertools import islice, takewhile

from opencharacter.checks.words import words_of

_EQUAL_WORDS = 3  # "Hello!" is a fair answer to "Hello."
_RUN_WORDS = 8
_OF_ANSWER = 0.9
_OF_QUESTION = 0.5
_LEAD_IN = 20
_UNSEEN_WORDS = 30  # short facts, sums and corrected sentences may come out alike


def copies_question(answer: str, question: str) -> str | None:
    """Return how much of an answer is the question given back, or None.

    Either both have the same words (three or more), or the answer is little else than a copy of
    the question from its beginning: a run of 8 words or more that starts at the first word of the
    question, covers half of it, and is 90 % of the answer. The beginning is what tells a copy from
    an answer that has to repeat text ("Correct this: ...", "Extract the first sentence of ..."):
    such an answer leaves the task's own words out. Quoting the question and going on is fine.
    """
    asked = words_of(question)
    # The answer's words cannot be much more than the question's: most pairs end here, cheaply.
    if len(answer) > 3 * len(question) + 40:
        return None
    said = words_of(answer)
    if said == asked and len(asked) >= _EQUAL_WORDS:
        return f"all {len(asked)} words are the question's"
    run = _opening_run(said, asked)
    if run < max(_RUN_WORDS, _OF_ANSWER * len(said), _OF_QUESTION * len(asked)):
        return None
    return f"{run} of {len(said)} words are the question's beginning"


def _opening_run(said: Sequence[str], asked: Sequence[str]) -> int:
    """Return the longest run in `said`, in words, that is a beginning of `asked`.

    Only runs that start in the first tenth of `said` can be long enough, and 20 words to lead in
    are plenty; without that bound a text of one word repeated would take hours.
    """
    longest = 0
    for start in range(min(_LEAD_IN, len(said) // 10) + 1):
        pairs = zip(islice(said, start, None), asked, strict=False)
        run = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        longest = max(longest, run)
    return longest


def copies_reference(answer: str, reference: str, *, seen: bool = True) -> str | None:
    """Return how many words of an answer are the reference's, if all are, or None.

    A short reference ("Paris.") may be given back: eight words or more count. Who never saw it may
    come to the same short answer, but not to the same 30 words, unless he knows them by heart.

    Args:
        answer: What the character says.
        reference: The answer that the instruction came with.
        seen: Whether the reference was to be rewritten.
    """
    if not reference or abs(len(answer) - len(reference)) > len(reference) // 10 + 10:
        return None
    said = words_of(answer)
    if len(said) < (_RUN_WORDS if seen else _UNSEEN_WORDS) or said != words_of(reference):
        return None
    return f"all {len(said)} words are the reference's"
