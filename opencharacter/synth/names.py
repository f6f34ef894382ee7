"""Names: hints that spread them, and a report of how often the commonest occur."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
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


def name_hints(persona_id: str, n: int, *, seed: int) -> list[str]:
    """Return `n` different full names for a persona, first and last of one culture each.

    Cultures take turns in an order drawn for the persona, so that a short list spans many; fewer
    names are a prefix of more.

    Args:
        persona_id: The hash of it and `seed` decides.
        n: How many; 0 gives an empty list.
        seed: Of the run.

    Raises:
        ConfigError: `n` is more than the lists can make in turn (about 11 thousand).

    Source: ours. Models that name characters unaided fall back on a handful of names.
    """
    cultures = _cultures()
    order = shuffled(cultures, "cultures", seed, persona_id)
    most = len(order) * min(len(lists.first) * len(lists.last) for lists in cultures.values())
    if n > most:
        raise ConfigError(
            f"profiles.name_hints is {n:,} but the lists make {most:,} names; lower it"
        )
    names: dict[str, None] = {}
    for k in range(n):
        lists = cultures[order[k % len(order)]]
        size = len(lists.first) * len(lists.last)
        at = stable_number("name", seed, persona_id, k) % size
        while (name := _full_name(lists, at)) in names:
            at = (at + 1) % size
        names[name] = None
    return list(names)


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
    parts = [(_TITLE.sub("", name) or name).split() for name in plain]
    full = Counter(name.casefold() for name in plain)
    return NameReport(
        n=len(plain),
        distinct=len(full),
        full=_top(plain, top, len(plain)),
        first=_top([words[0] for words in parts], top, len(plain)),
        last=_top([words[-1] for words in parts if len(words) > 1], top, len(plain)),
    )


def _top(names: list[str], top: int, n: int) -> tuple[NameCount, ...]:
    """Count without regard to case; show each as it was first written."""
    written: dict[str, str] = {}
    for name in names:
        written.setdefault(name.casefold(), name)
    counts = Counter(name.casefold() for name in names)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
    return tuple(NameCount(written[key], count, count / n) for key, count in ranked)
