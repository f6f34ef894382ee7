"""Numbers as they are written: in digits, or in English words up to ninety-nine."""

_ONES = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split(),
        start=1,
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
NUMBER = rf"(?:\d{{1,3}}|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(list(_ONES)[:9])}))?"
NUMBER += rf"|{'|'.join(reversed(_ONES))})"
"""Pattern of a number of at most three digits, or in words in lower case."""


def number_of(text: str) -> int:
    """Return the number that a match of `NUMBER` writes, in either case."""
    if text.isdigit():
        return int(text)
    parts = text.lower().replace("-", " ").split()
    return sum(_TENS.get(part) or _ONES[part] for part in parts)
