"""Word lists and invented words: what the training text of the embedded model is made of."""

from functools import cache
from pathlib import Path
from random import Random

_LISTS = Path(__file__).with_name("lists")
_WORD_SECTIONS = frozenset(
    {"nouns", "verbs", "adjectives", "adverbs", "glue", "foreign", "chinese", "emoji"}
)
_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "cl",
    "cr",
    "d",
    "dr",
    "f",
    "fl",
    "fr",
    "g",
    "gl",
    "gr",
    "h",
    "j",
    "k",
    "kn",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "pr",
    "qu",
    "r",
    "s",
    "sc",
    "sh",
    "sk",
    "sl",
    "sm",
    "sn",
    "sp",
    "st",
    "str",
    "sw",
    "t",
    "th",
    "tr",
    "tw",
    "v",
    "w",
    "wh",
    "y",
    "z",
] + [""] * 4
_VOWELS = [
    "a",
    "a",
    "a",
    "e",
    "e",
    "e",
    "i",
    "i",
    "i",
    "o",
    "o",
    "o",
    "u",
    "u",
    "ai",
    "au",
    "ea",
    "ee",
    "ei",
    "ie",
    "io",
    "oa",
    "oo",
    "ou",
    "y",
]
_ENDS = [
    "b",
    "ck",
    "ct",
    "d",
    "ff",
    "g",
    "k",
    "l",
    "ll",
    "ld",
    "lk",
    "m",
    "mp",
    "n",
    "nd",
    "ng",
    "nk",
    "nt",
    "p",
    "r",
    "rd",
    "rk",
    "rm",
    "rn",
    "rt",
    "s",
    "ss",
    "st",
    "t",
    "th",
    "x",
    "z",
]
_SUFFIXES = [
    "ing",
    "ed",
    "ly",
    "er",
    "ers",
    "s",
    "es",
    "tion",
    "tions",
    "ment",
    "ness",
    "ity",
    "ive",
    "ous",
    "ful",
    "less",
    "able",
    "al",
    "ic",
    "ical",
    "ist",
    "ists",
    "ism",
    "ize",
    "ized",
    "ization",
    "ology",
    "ologist",
    "graphy",
    "ance",
    "ence",
    "ary",
    "ent",
    "ant",
    "age",
    "ship",
    "hood",
    "ish",
    "en",
    "est",
    "y",
]
_PREFIXES = [
    "un",
    "re",
    "in",
    "im",
    "dis",
    "pre",
    "pro",
    "con",
    "com",
    "de",
    "ex",
    "sub",
    "inter",
    "over",
    "under",
    "micro",
    "neuro",
    "bio",
    "geo",
]


@cache
def entries(section: str) -> tuple[str, ...]:
    """Return the entries of one section of the lists beside this file."""
    for path in sorted(_LISTS.glob("*.txt")):
        heading, inside = f"[{section}]", False
        for line in path.read_text(encoding="utf-8").splitlines():
            if inside:
                parts = line.split() if section in _WORD_SECTIONS else line.split(";")
                return tuple(part.strip() for part in parts if part.strip())
            inside = line == heading
    raise KeyError(section)


def pick(random: Random, section: str) -> str:
    """Return one entry of a section."""
    return random.choice(entries(section))


def invented(random: Random) -> str:
    """Return a lower-case word of one to four syllables that need not exist."""
    syllables = random.choices((1, 2, 3, 4), (3, 5, 3, 1))[0]
    word = "".join(
        random.choice(_ONSETS)
        + random.choice(_VOWELS)
        + (random.choice(_ENDS) if random.random() < 0.45 else "")
        for _ in range(syllables)
    )
    if random.random() < 0.15:
        word = random.choice(_PREFIXES) + word
    return word + (random.choice(_SUFFIXES) if random.random() < 0.4 else "")


def word(random: Random, *, share_invented: float = 0.1) -> str:
    """Return a listed English word, often inflected or derived, or an invented one."""
    if random.random() < share_invented:
        return invented(random)
    section = random.choices(("nouns", "verbs", "adjectives", "adverbs"), (5, 3, 3, 1))[0]
    chosen = pick(random, section)
    if section in ("nouns", "verbs") and random.random() < 0.4:
        stem = chosen[:-1] if chosen.endswith("e") else chosen
        ending = "s" if section == "nouns" else random.choice(("s", "ed", "ing", "ing"))
        chosen = chosen + "s" if ending == "s" else stem + ending
    elif random.random() < 0.1:
        prefixed, extended = random.choice(_PREFIXES) + chosen, chosen + inflection(random)
        chosen = random.choice((prefixed, extended))
    return chosen


def inflection(random: Random) -> str:
    """Return an ending that makes another word of a word."""
    return random.choice(_SUFFIXES)


def invented_name(random: Random) -> str:
    """Return a capitalised invented word of two or three syllables."""
    parts = [
        random.choice(_ONSETS) + random.choice(_VOWELS[:14])
        for _ in range(random.choice((2, 2, 3)))
    ]
    ending = random.choice(("n", "r", "l", "s", "k", "m", "nd", "", "", ""))
    return ("".join(parts) + ending).capitalize()


def some(section: str, n: int) -> tuple[str, ...]:
    """Return about `n` entries of a section, spread over it: few enough to be learned by heart."""
    listed = entries(section)
    return listed[:: max(1, len(listed) // n)]


def familiar_name(random: Random, gender: str) -> str:
    """Return a name that is learned by heart: some 50 first ones, each with three last ones."""
    section = {"female": "women", "male": "men"}.get(gender) or random.choice(("women", "men"))
    firsts, lasts = some(section, 50), some("last", 50)
    at = random.randrange(len(firsts))
    return f"{firsts[at]} {lasts[(at + random.choice((0, 17, 34))) % len(lasts)]}"


def full_name(random: Random, gender: str | None = None, *, new: float = 0.4) -> str:
    """Return a first and a last name; a share `new` of either is invented, not of the lists."""
    section = {"female": "women", "male": "men"}.get(gender or "") or random.choice(
        ("women", "men")
    )
    first = invented_name(random) if random.random() < new else pick(random, section)
    last = invented_name(random) if random.random() < new else pick(random, "last")
    if random.random() < 0.04:
        first = f"{first} {random.choice('ABCDEFGHJKLMNPRST')}."
    return f"{first} {last}"


def capitalised(text: str) -> str:
    """Return `text` with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def with_article(noun: str) -> str:
    """Return `noun` after `a` or `an`."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
