"""The language of a persona: one line, often without a verb."""

import re
from collections import Counter
from itertools import chain

from opencharacter.language import SMALL, letters_by_script, two_likeliest

_LETTER = re.compile(r"[^\W_]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SURE_HAN = 8
_CODES = {
    "English": "en", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it",
    "Portuguese": "pt", "Dutch": "nl", "Polish": "pl", "Greek": "el", "Thai": "th",
}  # fmt: skip
_OF_MANY = ("Arabic", "Cyrillic", "Devanagari", "Hebrew")
# A persona has few small words, so those count too that other languages write alike.
_ALSO = {
    "English": "a an i in at by on as into about among between through whose their his her he she "
    "it am being after before while whether",
    "German": "die im am vom zum zur bei aus seit einer eines einem einen das des du er seine ihre "
    "in an",
    "French": "un la l d de à au aux en par dont elle il tu son sa ses leur leurs chez qu",
    "Spanish": "un de la del en y a soy eres sus quien",
    "Italian": "un uno di e del dello dei della delle in nel nella a da al alla ai suo sua i lo la",
    "Portuguese": "um de e da das no na nos nas e sou seu sua quem",
    "Dutch": "in bij uit die als zij haar hun ben bent door de",
    "Polish": "w z i o u od do na przy oraz który która którzy jestem jesteś swoje",
}
_VOTES_FOR = {
    word: [_CODES[name] for name in _ALSO if word in f"{_ALSO[name]} {SMALL[name]}".split()]
    for word in " ".join([*_ALSO.values(), *SMALL.values()]).split()
}
_WORD = re.compile(r"[^\W\d_]+")
_OPENS_IN_ENGLISH = re.compile(r"(?:an?|the|i|you) ", re.IGNORECASE)
_LEAST_VOTES = 2
_LEAST_LETTERS = 4  # of a script


def guess_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None = unclear, or none of those known.

    Arabic, Cyrillic, Devanagari and Hebrew letters tell no language.
    """
    label = language_label(text)
    return label if label is not None and len(label) == 2 else None


def language_label(text: str) -> str | None:
    """Return the code of a text's language, or the name of a script that many languages share.

    Languages in Latin letters are told by their small words: two, and more than of any other.
    Short runs of Han alone may be Japanese, and a kana or two decorates Chinese: None.
    """
    if text.isascii():
        return _by_small_words(text)
    letters = len(_LETTER.findall(text))
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    if 2 * hangul > letters:
        return "ko"
    if 2 * (han + kana) > letters:
        if 10 * kana >= han + kana:
            return "ja"
        return "zh" if kana == 0 and han >= _SURE_HAN else None
    (script, most), _ = two_likeliest(letters_by_script(text))
    if script == "Latin":
        return _by_small_words(text)
    is_sure = most >= _LEAST_LETTERS and 2 * most > letters
    return (_CODES.get(script) or script.lower()) if is_sure else None


def _by_small_words(text: str) -> str | None:
    small = _VOTES_FOR.keys() & _WORD.findall(text.lower())
    votes = Counter(chain.from_iterable(map(_VOTES_FOR.__getitem__, small)))
    if text.isascii() and _OPENS_IN_ENGLISH.match(text):
        votes["en"] += 1
    (language, most), (_, second) = two_likeliest(votes)
    return language if most >= _LEAST_VOTES and most > second else None
