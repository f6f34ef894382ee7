"""The licence of a data set, from its parents': it allows nothing that one of them forbids.

Not legal advice. Three things that licences ask for bind whoever goes on with the rows: use that is
not commercial (nc), no adaptations (nd), and sharing alike (sa). The data set has all that any
parent has, and the name of the Creative Commons licence that has them; versions of one licence
count as its newest. `other` is the answer where no name on the hub has them all:

- sa beside terms that it does not have: what is shared alike may get no further ones, so CC-BY-SA
  goes with no nc, nor CC-BY-NC-SA with nd;
- a licence with terms of its own (ODbL, LLaMA) beside another that binds;
- a name that is not known here.

Where a parent's licence is `unknown`, so is the data set's: it can be given to nobody yet.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

UNKNOWN = "unknown"
_OTHER = "other"

# These ask for the authors' names at most. From free to strict: (pattern, the hub's identifier).
_FREE: tuple[tuple[str, str], ...] = (
    (r"cc0.*|public-?domain", "cc0-1.0"),
    (r"mit", "mit"),
    (r"bsd.*", "bsd-3-clause"),
    (r"apache.*", "apache-2.0"),
    (r"odc-by.*", "odc-by"),
    (r"cc-by(?:-\d.*)?", "cc-by-4.0"),
)
_COMMONS = re.compile(r"cc-by((?:-(?:nc|nd|sa))+)(?:-\d.*)?")
_BY_TERMS = {
    frozenset({"sa"}): "cc-by-sa-4.0",
    frozenset({"nc"}): "cc-by-nc-4.0",
    frozenset({"nc", "sa"}): "cc-by-nc-sa-4.0",
    frozenset({"nd"}): "cc-by-nd-4.0",
    frozenset({"nc", "nd"}): "cc-by-nc-nd-4.0",
}
_STRICTNESS = list(_BY_TERMS)
_LLAMA = re.compile(r"(?:meta-)?llama-?(2|3|3\.1|3\.2|3\.3|4)(?:-community.*)?")


class Licence(NamedTuple):
    """What a data set may be used under."""

    hub: str
    """Identifier on the hub; `other` if it has none that fits, `unknown`."""
    parents: tuple[str, ...]
    """The parents' licences, the strictest first."""


class _Terms(NamedTuple):
    """One parent's licence."""

    rank: int
    """From free to strict."""
    hub: str
    binding: frozenset[str]
    """Which of nc, nd, sa; a licence with terms of its own has its identifier in their place."""


def strictest(named: Iterable[str]) -> Licence:
    """Return the licence of rows whose parents have these.

    Args:
        named: As rows carry them; ` + ` joins those of several parents.
    """
    parents = {part.strip() for name in named for part in name.split(" + ") if part.strip()}
    terms = {name: _terms(name) for name in parents}
    ranked = sorted(parents, key=lambda name: (-terms[name].rank, name))
    if not ranked:
        return Licence(UNKNOWN, ())
    first = terms[ranked[0]]
    binding = frozenset().union(*(one.binding for one in terms.values()))
    if first.hub == UNKNOWN:
        hub = UNKNOWN
    elif any("sa" in one.binding and one.binding != binding for one in terms.values()):
        hub = _OTHER
    elif binding == first.binding:
        hub = first.hub
    else:
        hub = _BY_TERMS.get(binding, _OTHER)
    return Licence(hub, tuple(ranked))


def _terms(name: str) -> _Terms:
    plain = re.sub(r"[ _]+", "-", name.casefold()).removesuffix("-license")
    for rank, (pattern, hub) in enumerate(_FREE):
        if re.fullmatch(pattern, plain):
            return _Terms(rank, hub, frozenset())
    if commons := _COMMONS.fullmatch(plain):
        binding = frozenset(commons[1].split("-")[1:])
        if binding in _BY_TERMS:
            rank = len(_FREE) + _STRICTNESS.index(binding)
            return _Terms(rank, _BY_TERMS[binding], binding)
    own = len(_FREE) + len(_BY_TERMS)
    if llama := _LLAMA.fullmatch(plain):
        return _Terms(own, hub := f"llama{llama[1]}", frozenset({hub}))
    if re.fullmatch(r"odbl.*", plain):
        return _Terms(own, "odbl", frozenset({"odbl"}))
    if plain == UNKNOWN:
        return _Terms(own + 2, UNKNOWN, frozenset({UNKNOWN}))
    return _Terms(own + 1, _OTHER, frozenset({plain}))
