"""How a row of a source becomes a persona: which text, what is wrong with it, of which stratum."""

import re
from typing import Any, NamedTuple

from opencharacter.config import PersonasConfig, Stratify
from opencharacter.records import Rejection
from opencharacter.sources.draw import Candidate
from opencharacter.sources.language import guess_language
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.person import person_of
from opencharacter.sources.screen import find_flaw, is_storable, strip_invisible

COLUMNS = ("persona", "input persona", "text")
"""Columns of the text, the first there is being read: Persona Hub's two, and a common one."""
DOMAINS = tuple(
    f"{breadth} domain (top {share} percent)"
    for breadth in ("general", "specific")
    for share in ("1", "0.1")
)
# Bits of a position that number the row; those above number the file.
ROW_BITS = 44
_WORD = re.compile(r"[^\W_]")


class Draft(NamedTuple):
    """A good persona, before it is known to be drawn."""

    text: str
    domain: str | None


def columns_of(config: PersonasConfig) -> tuple[str, ...]:
    """Return the columns that may hold the text, the first there is being read."""
    return (config.column,) if config.column else COLUMNS


def bare_text(value: dict[str, Any], columns: tuple[str, ...]) -> str | None:
    """Return the text of a row as it would be kept, unchecked; None where there is none."""
    for column in columns:
        if column in value:
            raw = value[column]
            return normal(raw) if isinstance(raw, str) and is_storable(raw) else None
    return None


def normal(raw: str) -> str:
    """Return a text on one line, without white space and invisible characters around it."""
    if raw.isascii():
        # Nearly all rows: printable ASCII has no white space but the space.
        if raw.isprintable() and "  " not in raw and raw[:1] != " " and raw[-1:] != " ":
            return raw
        return " ".join(raw.split())
    return " ".join(strip_invisible(raw).split())


def check_row(row: Row, file: int, config: PersonasConfig) -> Candidate[Draft] | Rejection:
    """Return what a row holds, or why it is refused."""
    columns = columns_of(config)
    for column in columns:
        if column in row.value:
            break
    else:
        detail = f"none of {list(columns)} among the keys {_keys(row.value)}; set personas.column"
        return reject(row.place, "missing_key", detail, row.value)
    raw = row.value[column]
    if not isinstance(raw, str):
        detail = f"'{column}' must be a string; it is of type {type(raw).__name__}"
        return reject(row.place, "wrong_type", detail, raw)
    if flaw := find_flaw(raw):
        return reject(row.place, flaw.reason, flaw.detail, raw)
    text = normal(raw)
    if not _WORD.search(text):
        return reject(row.place, "empty", f"'{column}' holds no letter or digit", raw)
    if len(text) > config.max_chars:
        detail = f"{len(text):,} characters; personas.max_chars is {config.max_chars:,}"
        return reject(row.place, "too_long", detail, text)
    draft = Draft(text, domain_of(row.value))
    return Candidate(file << ROW_BITS | row.number, row.place, text.encode(), text, draft)


def domain_of(value: dict[str, Any]) -> str | None:
    """Return the broadest label; Persona Hub writes the string `None` where it has none."""
    if len(value) == 1:  # the commonest layout by far
        return None
    for name in DOMAINS:
        label = value.get(name)
        if isinstance(label, str) and label.strip() not in ("", "None") and not find_flaw(label):
            return label.strip()
    return None


def stratum_of(config: PersonasConfig, text: str, value: dict[str, Any]) -> str:
    """Return the name of the stratum of a row; empty for all where there are none."""
    match config.stratify:
        case Stratify.domain:
            return domain_of(value) or "none"
        case Stratify.language:
            return guess_language(text) or "other"
        case Stratify.length:
            return f"up to {max(32, 1 << (len(text) - 1).bit_length())}"
        case Stratify.person:
            return person_of(text)
    return ""


def _keys(value: dict[str, Any]) -> list[str]:
    return [str(key)[:40] for key in list(value)[:10]]
