"""What a model says that a dialogue contradicts, held against the texts that it quotes."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Kinds of quotation marks and apostrophes are one; of those only the plain one is left.
_MARKS = re.compile("[\"'`\u00b4\u00ab\u00bb\u2018-\u201f\u2039\u203a\u300c-\u300f]+")
_WHITE = re.compile(r"\s+")
# At the ends of a quotation; the text that it is from may go on otherwise.
_ENDS = " '.,:;!?\u3001\u3002-\u2013\u2014*_"
_SOMETHING = re.compile(r"[^\W_]{2}|\d|[^\W_a-z]")  # "I" stands anywhere
_LETTER = re.compile(r"[^\W_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


class Contradiction(NamedTuple):
    """What somebody said, and the fact that it denies; both are quotations."""

    said: str
    fact: str

    def __str__(self) -> str:
        """Return both for people."""
        return f"{self.said!r} against {self.fact!r}"


class Upheld(NamedTuple):
    """A contradiction whose quotations are real."""

    found: Contradiction
    turn: int
    """In which of the answers it was said."""


class Verdict(NamedTuple):
    """The contradictions that a model lists, each once."""

    upheld: list[Upheld]
    dismissed: list[Contradiction]
    """Those that quote what nobody said, or a fact that is not there."""


def hold_against(
    listed: Iterable[Contradiction], answers: Sequence[str], character: str
) -> Verdict:
    """Tell contradictions whose quotations are real from invented ones.

    A quotation is real if it stands in one of the texts, word for word and whole words; case,
    white space, kinds of quotation marks and what ends a sentence do not matter. A fact that is
    said as it stands is no contradiction.

    Args:
        listed: By a model.
        answers: What the character said, turn by turn.
        character: Persona and profile.
    """
    verdict = Verdict([], [])
    turns = [_plain(answer) for answer in answers]
    facts = _plain(character)
    for one in dict.fromkeys(listed):
        said, fact = (_plain(quotation).strip(_ENDS) for quotation in one)
        where = next((turn for turn, text in enumerate(turns) if _stands_in(said, text)), None)
        if where is None or said == fact or not _stands_in(fact, facts):
            verdict.dismissed.append(one)
        else:
            verdict.upheld.append(Upheld(one, where))
    return verdict


def _plain(text: str) -> str:
    """Return a text in which only words and signs differ."""
    alike = unicodedata.normalize("NFKC", text).casefold()
    return _WHITE.sub(" ", _MARKS.sub("'", alike)).strip()


def _stands_in(quotation: str, text: str) -> bool:
    """Return whether a quotation that says something stands in a text, not inside of words."""
    if not _SOMETHING.search(quotation):
        return False
    at = text.find(quotation)
    while at >= 0:
        end = at + len(quotation)
        if not _is_inside(text, at) and not _is_inside(text, end):
            return True
        at = text.find(quotation, at + 1)
    return False


def _is_inside(text: str, at: int) -> bool:
    """Return whether a word goes on across a place; a character of East Asia is a word."""
    around = text[at - 1 : at + 1] if 0 < at < len(text) else ""
    return len(around) == 2 and all(_LETTER.match(each) for each in around)
