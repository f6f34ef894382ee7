"""Names: hints that spread them, and a report of how often the commonest occur."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from opencharacter.errors import ConfigError
from opencharacter.ids import shuffled, stable_number


class _Culture(NamedTuple):
    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def _cultures() -> dict[str, _Culture]:
    """Return the packaged lists by culture: a line `[culture]`, then `first:` and `last:`."""
    text = (files("opencharacter.synth") / "names.txt").read_text("utf-8")
    blocks = re.findall(r"^\[(\w+)\]\nfirst: (.+)\nlast: (.+)$", text, re.MULTILINE)
    return {
        culture: _Culture(tuple(first.split()), tuple(last.split()))
        for culture, first, last in blocks
    }


@dataclass(frozen=True, slots=True)
class Excluded:
    """Names that no character may have; case does not matter."""

    words: frozenset[str] = frozenset()
    """Not as a first name, nor as a last name, nor between."""
    full: frozenset[str] = frozenset()
    """Names of several words, as a whole; a title before it does not make it another name."""

    def found_in(self, name: str) -> str | None:
        """Return what is excluded of a name, or None."""
        words = _words_of_name(name.casefold())
        whole = " ".join(words)
        return whole if whole in self.full else next((w for w in words if w in self.words), None)


NOBODY = Excluded()


def excluded_names(names: Iterable[str], path: str) -> Excluded:
    """Return the names of a list and of a file, one a line; blank lines and `#` lines are skipped.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        lines = Path(path).expanduser().read_text("utf-8-sig").splitlines() if path else []
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot read profiles.exclude_names_path={path} ({error}); name a text file in UTF-8 "
            "with a name a line"
        ) from error
    listed = [*names, *(line for line in lines if not line.lstrip().startswith("#"))]
    split = [_words_of_name(name.casefold()) for name in listed if name.strip()]
    return Excluded(
        words=frozenset(words[0] for words in split if len(words) == 1),
        full=frozenset(" ".join(words) for words in split if len(words) > 1),
    )


def name_hints(persona_id: str, n: int, *, seed: int, excluded: Excluded = NOBODY) -> list[str]:
    """Return `n` different full names for a persona, first and last of one culture each.

    Cultures take turns in an order drawn for the persona, so that a short list spans many; fewer
    names are a prefix of more.

    Args:
        persona_id: The hash of it and `seed` decides.
        n: How many; 0 gives an empty list.
        seed: Of the run.
        excluded: Names that are not offered.

    Raises:
        ConfigError: `n` is more than the lists can make in turn (about 11 thousand).

    Source: ours. Models that name characters unaided fall back on a handful of names.
    """
    cultures = _without(excluded)
    order = shuffled(cultures, "cultures", seed, persona_id)
    most = len(order) * min((_room(lists, excluded) for lists in cultures.values()), default=0)
    if n > most:
        raise ConfigError(
            f"profiles.name_hints is {n:,} but the lists make {most:,} names that are not "
            "excluded; lower it"
        )
    names: dict[str, None] = {}
    for k in range(n):
        lists = cultures[order[k % len(order)]]
        size = len(lists.first) * len(lists.last)
        at = stable_number("name", seed, persona_id, k) % size
        while (name := _full_name(lists, at)) in names or name.casefold() in excluded.full:
            at = (at + 1) % size
        names[name] = None
    return list(names)


@cache
def _without(excluded: Excluded) -> dict[str, _Culture]:
    """Return the lists without excluded words; cultures of which nothing is left are gone."""
    found = {
        culture: _Culture(*(tuple(w for w in names if w.casefold() not in excluded.words)
                            for names in lists))
        for culture, lists in _cultures().items()
    }  # fmt: skip
    return {culture: lists for culture, lists in found.items() if all(lists)}


@cache
def _room(lists: _Culture, excluded: Excluded) -> int:
    """Return how many names the lists make that are not excluded."""
    first, last = ({name.casefold() for name in names} for names in lists)
    split = [full.split() for full in excluded.full]
    taken = sum(len(w) == 2 and w[0] in first and w[1] in last for w in split)
    return len(lists.first) * len(lists.last) - taken


def _full_name(lists: _Culture, at: int) -> str:
    first, last = divmod(at, len(lists.last))
    return f"{lists.first[first]} {lists.last[last]}"


class NameCount(NamedTuple):
    """How often one name occurs."""

    name: str
    times: int
    share: float
    """Of all names counted, in [0, 1]."""


class NameReport(NamedTuple):
    """Whether names collapse: a few names for many characters."""

    n: int
    """Names in all, without empty ones."""
    distinct: int
    """Different full names; case and spacing do not matter."""
    distinct_first: int
    """Different first names."""
    same_full: float | None
    """Chance that two characters have the same full name, whatever their number (Simpson 1949);
    None = there are no two."""
    same_first: float | None
    full: tuple[NameCount, ...]
    """Commonest first; ties by name."""
    first: tuple[NameCount, ...]
    last: tuple[NameCount, ...]
    """Of names of two words or more."""


_TITLE = re.compile(
    r"^(?:(?:dr|mr|mrs|ms|miss|mx|prof|professor|sir|dame|rev|fr|capt|captain|sgt|lt|col)\.? +)+",
    re.IGNORECASE,
)


def commonest(names: Iterable[str], top: int) -> NameReport:
    """Return how often the `top` commonest full, first and last names occur.

    A title before a name ("Dr. Maria Chen") belongs to the full name only. The first word is the
    first name and the last word the last name, as the profile prompt asks for them.
    """
    plain = [" ".join(name.split()) for name in names]
    plain = [name for name in plain if name]
    parts = [_words_of_name(name) for name in plain]
    return NameReport(
        n=len(plain),
        distinct=len({name.casefold() for name in plain}),
        distinct_first=len({words[0].casefold() for words in parts}),
        same_full=_same(name.casefold() for name in plain),
        same_first=_same(words[0].casefold() for words in parts),
        full=_top(plain, top, len(plain)),
        first=_top([words[0] for words in parts], top, len(plain)),
        last=_top([words[-1] for words in parts if len(words) > 1], top, len(plain)),
    )


def _words_of_name(name: str) -> list[str]:
    """Return the words of a name, a title before it left out unless it is all there is."""
    plain = " ".join(name.split())
    return (_TITLE.sub("", plain) or plain).split()


def _same(names: Iterable[str]) -> float | None:
    """Return the share of pairs that are two equal names."""
    counts = Counter(names)
    n = counts.total()
    return sum(c * (c - 1) for c in counts.values()) / (n * (n - 1)) if n > 1 else None


def _top(names: list[str], top: int, n: int) -> tuple[NameCount, ...]:
    """Count without regard to case; show each as it was first written."""
    written: dict[str, str] = {}
    for name in names:
        written.setdefault(name.casefold(), name)
    counts = Counter(name.casefold() for name in names)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return tuple(NameCount(written[key], count, count / n) for key, count in ranked)
