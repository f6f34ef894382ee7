"""The language of a text, as far as its script and its smallest words tell."""

import re
from collections import Counter
from itertools import chain, islice

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
    "English": "the and of to is that it was for with you this are have not be from they which",
    "German": "der und das ist nicht ich ein eine zu mit auf sich dem den wir auch wie für von",
    "French": "le les est et une des dans pour que qui vous je pas sur avec ce au du cette",
    "Spanish": "el los las y es que por una con para como pero más muy su al lo del está",
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
_MARGIN = 2  # times as many votes as the second
_MAY_SWITCH = re.compile(
    r"translat|übersetz|tradu[izc]|перев[оеё]д|翻译|翻訳"
    r"|\b(?:english|german|french|spanish|italian|portuguese|dutch|polish|russian|chinese|mandarin"
    r"|japanese|korean|arabic|hebrew|greek|hindi|thai|latin|language|languages)\b",
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
    small = filter(_VOTES_FOR.__contains__, _WORD.findall(text.lower()))
    votes = Counter(chain.from_iterable(map(_VOTES_FOR.__getitem__, small)))
    (language, most), (_, second), *_ = [*votes.most_common(2), ("", 0), ("", 0)]
    return language if most >= _LEAST_VOTES and most >= _MARGIN * second else None


def language_switch(answer: str, question: str) -> str | None:
    """Return which language the answer is in that the question is not in, or None.

    None too if the question speaks of a language or of translation, and if either is unclear.
    """
    if len(answer) < _LEAST_LETTERS["Chinese"]:
        return None
    asked = language_of(question)  # the shorter text first: it is often unclear
    if asked is None or _MAY_SWITCH.search(question):
        return None
    spoken = language_of(answer)
    if spoken is None or spoken == asked:
        return None
    return f"{spoken}, asked in {asked}"
