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
OF_SCRIPT = {name: re.compile(f"[{span}]+") for name, span in _SCRIPTS}
"""Runs of letters, by script."""
_ASCII_LETTERS = re.compile("[A-Za-z]+")
_ASCII = re.compile(r"[\x00-\x7f]+")
SMALL = {
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
"""Words that hardly a sentence is without, and few other languages on the list write alike."""
_VOTES_FOR = {
    word: tuple(language for language, words in SMALL.items() if word in words.split())
    for word in " ".join(SMALL.values()).split()
}
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)
LEAST_LETTERS = {"Chinese": 6, "Japanese": 6, "Korean": 8}
"""Letters that a text must have in these scripts."""
LETTERS = 20
"""The same in other scripts."""
MARGIN = 2
"""Times as many votes as the second likeliest language."""
_LEAST_VOTES = 4


def language_of(text: str) -> str | None:
    """Return the script of a text, or its language if the script is Latin; None if it is unclear.

    Told apart are ten scripts, and eight languages in Latin script by their smallest words. Code
    and addresses are not counted.
    """
    bare = _CODE.sub(" ", text) if "`" in text or "http" in text else text
    if bare.isascii():
        is_enough = sum(1 for _ in islice(filter(str.isalpha, bare), LETTERS)) == LETTERS
        return _by_small_words(bare) if is_enough else None
    counts = letters_by_script(bare)
    script, most = counts.most_common(1)[0]
    if script == "Chinese" and counts["Japanese"] * 10 > most:
        script, most = "Japanese", most + counts["Japanese"]
    if most < LEAST_LETTERS.get(script, LETTERS) or most * 10 < 6 * counts.total():
        return None
    return _by_small_words(bare) if script == "Latin" else script


def letters_by_script(text: str) -> Counter[str]:
    """Return how many letters of each script a text has."""
    others = _ASCII.sub(" ", text)  # little is left of a Latin text
    counts = Counter(
        {name: sum(map(len, letters.findall(others))) for name, letters in OF_SCRIPT.items()}
    )
    counts["Latin"] += sum(map(len, _ASCII_LETTERS.findall(text)))
    return counts


def _by_small_words(text: str) -> str | None:
    (language, most), (_, second) = two_likeliest(votes_of(text))
    return language if most >= _LEAST_VOTES and most >= MARGIN * second else None


def votes_of(text: str) -> Counter[str]:
    """Return how many different small words of each language a text has."""
    small = _VOTES_FOR.keys() & _WORD.findall(text.lower())
    return Counter(chain.from_iterable(map(_VOTES_FOR.__getitem__, small)))


def two_likeliest(votes: Counter[str]) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return the two with the most votes; an empty name and 0 where there are fewer."""
    ranked = sorted(votes.items(), key=itemgetter(1), reverse=True)
    first, second, *_ = [*ranked[:2], ("", 0), ("", 0)]
    return first, second
