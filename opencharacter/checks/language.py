"""Answers in another language than their question."""

import re
from collections import Counter

from opencharacter.language import (
    LEAST_LETTERS,
    MARGIN,
    OF_SCRIPT,
    language_of,
    letters_by_script,
    two_likeliest,
    votes_of,
)

_ASKED_VOTES = 2
_LETTERS_OF_WORD = 4
_BEGINNING = 600  # characters
# One of these stands there in English, and in no other language on the list.
_ENGLISH = (" the ", " and ", " you ", " it ", " that ", " with ", " this ")
_MAY_SWITCH = re.compile(
    r"translat|übersetz|tradu[izc]|перев[оеё]д|翻译|翻訳|transliterat"
    r"|\b(?:english|german|french|spanish|italian|portuguese|brazilian|dutch|polish|russian|ukrainian"
    r"|bulgarian|serbian|chinese|mandarin|cantonese|japanese|korean|arabic|persian|farsi|hebrew|yiddish"
    r"|greek|hindi|sanskrit|thai|latin|swiss|turkish|catalan|languages?|tongue|dialects?|bilingual"
    r"|multilingual|kanji|hiragana|katakana|hanzi|hangul|pinyin|cyrillic|alphabet|words? for"
    r"|how (?:do|would|can) (?:you|i|we|one|they) (?:say|write)"
    r"|recite|lyrics|songs?|sing|poems?|haiku|verses?|prayers?|pray|hymns?|anthem|motto|proverbs?"
    r"|sayings?|quotes?|greet\w*)\b",
    re.IGNORECASE,
)


def language_switch(answer: str, question: str) -> str | None:
    """Return which language the answer is in that the question is not in, or None.

    Of a question less is needed than of an answer: two small words of one language, and none of the
    answer's, or a word in a script of its own. None too if the question speaks of a language, of
    translation, or of songs and sayings, if it has letters of the answer's script, and in doubt.
    """
    if len(answer) < LEAST_LETTERS["Chinese"]:
        return None
    is_english = _is_plain_english(answer)
    if is_english and _is_plain_english(question):
        return None
    asked, votes = _asked_in(question)
    if not asked or (is_english and asked == "English"):
        return None
    spoken = language_of(answer)
    if spoken is None or spoken == asked or spoken in votes:
        return None
    if spoken in OF_SCRIPT and OF_SCRIPT[spoken].search(question):
        return None
    return None if _MAY_SWITCH.search(question) else f"{spoken}, asked in {asked}"


def _asked_in(question: str) -> tuple[str, Counter[str]]:
    """Return the likely language of a question, or empty, and the votes for those it may be in."""
    if not question.isascii():
        (script, letters), (_, others) = two_likeliest(letters_by_script(question))
        if script != "Latin":
            is_sure = letters >= _LETTERS_OF_WORD and not others
            return (script if is_sure else language_of(question) or ""), Counter()
    votes = votes_of(question)
    (language, most), (_, second) = two_likeliest(votes)
    return (language if most >= _ASKED_VOTES and most >= MARGIN * second else ""), votes


def _is_plain_english(text: str) -> bool:
    """Return whether a text begins in English, as most do: this costs a tenth of the votes."""
    if not text.isascii():
        return False
    beginning = text[:_BEGINNING]
    return any(word in beginning for word in _ENGLISH)
