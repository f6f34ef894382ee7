"""The language of a text, where its script leaves no doubt."""

import re

_LETTER = re.compile(r"[^\W_]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SURE_HAN = 8


def guess_language(text: str) -> str | None:
    """Return `zh`, `ja` or `ko` where the script leaves no doubt, else None.

    Cyrillic, Arabic or Latin script tells no language. Short runs of Han alone may be Japanese,
    and a kana or two decorates Chinese.
    """
    if text.isascii():
        return None
    letters = len(_LETTER.findall(text))
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    if 2 * hangul > letters:
        return "ko"
    if 2 * (han + kana) <= letters:
        return None
    if 10 * kana >= han + kana:
        return "ja"
    return "zh" if kana == 0 and han >= _SURE_HAN else None
