"""The licence of a data set computed from its parents': the strictest, and whom it comes from.

An ordering, not legal advice: what a licence forbids, every mixture with it forbids too. A licence
that nobody named comes last: before it is known the data can be given to nobody.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

UNKNOWN = "unknown"

# From free to strict: (pattern of the name, the hub's identifier).
_ORDER: tuple[tuple[str, str], ...] = (
    (r"cc0.*|public.?domain", "cc0-1.0"),
    (r"mit", "mit"),
    (r"bsd.*", "bsd-3-clause"),
    (r"apache.*", "apache-2.0"),
    (r"odc-by.*", "odc-by"),
    (r"cc-by-\d.*|cc-by", "cc-by-4.0"),
    (r"cc-by-sa.*", "cc-by-sa-4.0"),
    (r"odbl.*", "odbl"),
    (r"llama.*", "llama3"),
    (r"cc-by-nc-\d.*|cc-by-nc", "cc-by-nc-4.0"),
    (r"cc-by-nc-sa.*", "cc-by-nc-sa-4.0"),
    (r"cc-by-nd.*", "cc-by-nd-4.0"),
    (r"cc-by-nc-nd.*", "cc-by-nc-nd-4.0"),
)


class Licence(NamedTuple):
    """What a data set may be used under."""

    hub: str
    """Identifier on the hub; `other` for a name that is not on the list, `unknown`."""
    parents: tuple[str, ...]
    """The parents' licences, the strictest first."""


def strictest(named: Iterable[str]) -> Licence:
    """Return the licence of rows whose parents have these.

    Args:
        named: As rows carry them; ` + ` joins those of several parents.
    """
    parents = {part.strip() for name in named for part in name.split(" + ") if part.strip()}
    ranked = sorted(parents, key=lambda name: (-_rank(name), name))
    if not ranked:
        return Licence(UNKNOWN, ())
    at = _rank(ranked[0])
    if at < len(_ORDER):
        return Licence(_ORDER[at][1], tuple(ranked))
    return Licence(UNKNOWN if ranked[0].casefold() == UNKNOWN else "other", tuple(ranked))


def _rank(name: str) -> int:
    """Return the place in the order; a name that is not on the list is stricter than all on it."""
    plain = name.casefold().replace(" ", "-")
    if plain == UNKNOWN:
        return len(_ORDER) + 1
    return next((i for i, (p, _) in enumerate(_ORDER) if re.fullmatch(p, plain)), len(_ORDER))
