"""How much of a reference answer's knowledge a rewrite keeps, by the facts that show on paper."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`|(https?://[^\s<>()\"'\]]+)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# Scripts written without spaces between words, or with endings glued on (Korean).
_DENSE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_DENSE_RUN = re.compile(rf"[{_DENSE}]+")
_WORD = re.compile(rf"[^\W\d_{_DENSE}]+")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;\n•\"“(])[\s\"'“(*-]*$")
_LONG = 7
_STEM = 6

_STOP_TEXT = (
    "because therefore however although through throughout without within between another "
    "himself herself themselves yourself ourselves something anything everything nothing someone "
    "everyone anyone several various usually generally typically especially particularly actually "
    "basically certainly probably possibly perhaps different important include includes including "
    "included example examples following follows provide provides provided providing several "
    "despite instead together towards against already always further furthermore "
    "moreover additionally overall finally helpful certain specific similar general common "
    "possible required require requires become becomes became sometimes often"
)
_STOP = frozenset(_STOP_TEXT.split())
_SPELLED = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}


def kept_share(reference: str, rewrite: str) -> float | None:
    """Return the share of the reference's facts that the rewrite has too, in [0, 1].

    Each different fact counts once: lines of fenced code, `inline code` and URLs (literally, white
    space apart); numbers (1,000 = 1000, 2.50 = 2.5; the rewrite may spell 0 to 12 out); words with
    a capital inside a sentence; words of 7 letters or more outside a list of common ones, by their
    first 6 letters, so that endings may change; in Chinese, Japanese, Korean and Thai, pairs of
    neighbouring characters. Case does not matter.

    Returns:
        None when the reference has no such fact, as "Yes, it is.".

    Source: ours. It is a lower bound: a true paraphrase ("doctor" for "physician") counts as lost.
    """
    facts = _facts(reference)
    if not facts:
        return None
    spaced = _squeeze(rewrite)
    words = {word.lower() for word in _WORD.findall(rewrite)}
    held = {
        "code": spaced,
        "number": set(_numbers(rewrite)) | {_SPELLED[word] for word in words if word in _SPELLED},
        "name": words,
        "word": {word[:_STEM] for word in words},
        "pair": set(_character_pairs(rewrite)),
    }
    return sum(text in held[kind] for kind, text in facts) / len(facts)


def _facts(reference: str) -> set[tuple[str, str]]:
    """Return (kind, normalised text) of everything that can be looked for again."""
    facts: set[tuple[str, str]] = set()
    for block in _FENCE.findall(reference):
        facts |= {("code", _squeeze(line)) for line in block.splitlines() if line.strip()}
    prose = _FENCE.sub("\n", reference)
    facts |= {("code", _squeeze(a or b.rstrip(".,;:!?"))) for a, b in _INLINE.findall(prose)}
    prose = _INLINE.sub(" ", prose)
    facts |= {("number", number) for number in _numbers(prose)}
    facts |= {("pair", pair) for pair in _character_pairs(prose)}
    return facts | set(_word_facts(prose))


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _numbers(text: str) -> Iterator[str]:
    for number in _NUMBER.findall(text):
        plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number
        whole, point, decimals = plain.partition(".")
        is_decimal = bool(point) and decimals.isdigit()
        yield f"{whole}.{decimals}".rstrip("0").rstrip(".") if is_decimal else plain


def _character_pairs(text: str) -> Iterator[str]:
    for run in _DENSE_RUN.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def _word_facts(prose: str) -> Iterator[tuple[str, str]]:
    for found in _WORD.finditer(prose):
        word = found[0]
        lowered = word.lower()
        is_name = word[0].isupper() and len(word) > 1 and not _starts_sentence(prose, found.start())
        if is_name:
            yield ("name", lowered)
        elif len(word) >= _LONG and lowered not in _STOP:
            yield ("word", lowered[:_STEM])


def _starts_sentence(text: str, at: int) -> bool:
    return bool(_SENTENCE_END.search(text[max(0, at - 6) : at])) if at else True
