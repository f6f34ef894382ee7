"""The language of a text, as far as its script and its smallest words tell."""

import re
from collections import Counter
from itertools import chain, islice
from operator import itemgetter

_SCRIPTS = (
    ("Latin", "A-Za-z\u00c0-\u024f"),
    ("Cyrillic", "\u0400-\u04ff"),
    ("Greek", "\u0370-\u03ff"),
    ("Hebrew", "\u0590-\u05ff"),
    ("Arabic", "\u0600-\u06ff"),
    ("Devanagari", "\u0900-\u097f"),
    ("Thai", "\u0e00-\u0e7f"),
    ("Japanese", "\u3040-\u30ff"),
    ("Chinese", "\u3400-\u9fff"),
    ("Korean", "\uac00-\ud7af"),
)
_OF_SCRIPT = {name: re.compile(f"[{span}]+") for name, span in _SCRIPTS}
_ASCII_LETTERS = re.compile("[A-Za-z]+")
_ASCII = re.compile(r"[\x00-\x7f]+")
# Words that hardly a sentence is without, and that no other language on the list writes alike.
_SMALL = {
    "English": "the and of to is that it was for with you this are have not be from they which "
    "what how why who where when your my about can could would should there has been tell please "
    "does did describe explain give write make",
    "German": "der und das ist nicht ich ein eine zu mit auf sich dem den wir auch wie für von "
    "sind haben sie mein warum",
    "French": "le les est et une des dans pour que qui vous je pas sur avec ce au du cette",
    "Spanish": "el los las es que por una con para como pero más muy su al lo del está",
    "Italian": "il che di non per una sono con della gli come anche più nel alla questo ma è",
    "Portuguese": "não que uma para com os do da em mais como mas dos você ao por são também",
    "Dutch": "het een van ik niet dat zijn op te voor maar met ook aan naar deze wordt wij",
    "Polish": "nie się na jest że to jak ale czy dla był tak już tylko może przez po które",
}
_VOTES_FOR = {
    word: tuple(language for language, words in _SMALL.items() if word in words.split())
    for word in " ".join(_SMALL.values()).split()
}
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)
_LEAST_LETTERS = {"Chinese": 6, "Japanese": 6, "Korean": 8}
_LETTERS = 20  # of other scripts
_LEAST_VOTES = 4
_ASKED_VOTES = 2
_LETTERS_OF_WORD = 4
_MARGIN = 2  # times as many votes as the second
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


def language_of(text: str) -> str | None:
    """Return the script of a text, or its language if the script is Latin; None if it is unclear.

    Told apart are ten scripts, and eight languages in Latin script by their smallest words. Code
    and addresses are not counted.
    """
    bare = _CODE.sub(" ", text) if "`" in text or "http" in text else text
    if bare.isascii():
        is_enough = sum(1 for _ in islice(filter(str.isalpha, bare), _LETTERS)) == _LETTERS
        return _by_small_words(bare) if is_enough else None
    counts = _scripts(bare)
    script, most = counts.most_common(1)[0]
    if script == "Chinese" and counts["Japanese"] * 10 > most:
        script, most = "Japanese", most + counts["Japanese"]
    if most < _LEAST_LETTERS.get(script, _LETTERS) or most * 10 < 6 * counts.total():
        return None
    return _by_small_words(bare) if script == "Latin" else script


def _scripts(text: str) -> Counter[str]:
    """Return how many letters of each script a text has."""
    others = _ASCII.sub(" ", text)  # little is left of a Latin text
    counts = Counter(
        {name: sum(map(len, letters.findall(others))) for name, letters in _OF_SCRIPT.items()}
    )
    counts["Latin"] += sum(map(len, _ASCII_LETTERS.findall(text)))
    return counts


def _by_small_words(text: str) -> str | None:
    (language, most), (_, second) = _two_likeliest(_votes(text))
    return language if most >= _LEAST_VOTES and most >= _MARGIN * second else None


def _votes(text: str) -> Counter[str]:
    """Return how many different small words of each language a text has."""
    small = _VOTES_FOR.keys() & _WORD.findall(text.lower())
    return Counter(chain.from_iterable(map(_VOTES_FOR.__getitem__, small)))


def _two_likeliest(votes: Counter[str]) -> tuple[tuple[str, int], tuple[str, int]]:
    ranked = sorted(votes.items(), key=itemgetter(1), reverse=True)
    first, second, *_ = [*ranked[:2], ("", 0), ("", 0)]
    return first, second


def language_switch(answer: str, question: str) -> str | None:
    """Return which language the answer is in that the question is not in, or None.

    Of a question less is needed than of an answer: two small words of one language, and none of the
    answer's, or a word in a script of its own. None too if the question speaks of a language, of
    translation, or of songs and sayings, if it has letters of the answer's script, and in doubt.
    """
    if len(answer) < _LEAST_LETTERS["Chinese"]:
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
    if spoken in _OF_SCRIPT and _OF_SCRIPT[spoken].search(question):
        return None
    return None if _MAY_SWITCH.search(question) else f"{spoken}, asked in {asked}"


def _asked_in(question: str) -> tuple[str, Counter[str]]:
    """Return the likely language of a question, or empty, and the votes for those it may be in."""
    if not question.isascii():
        (script, letters), (_, others) = _two_likeliest(_scripts(question))
        if script != "Latin":
            is_sure = letters >= _LETTERS_OF_WORD and not others
            return (script if is_sure else language_of(question) or ""), Counter()
    votes = _votes(question)
    (language, most), (_, second) = _two_likeliest(votes)
    return (language if most >= _ASKED_VOTES and most >= _MARGIN * second else ""), votes


def _is_plain_english(text: str) -> bool:
    """Return whether a text begins in English, as most do: this costs a tenth of the votes."""
    if not text.isascii():
        return False
    beginning = text[:_BEGINNING]
    return any(word in beginning for word in _ENGLISH)
