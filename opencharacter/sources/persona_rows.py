"""How a row of a source becomes a persona: which text, what is wrong with it, of which stratum."""

import re
import string
from typing import Any, NamedTuple

from opencharacter.config import PersonasConfig, Stratify
from opencharacter.records import Rejection
from opencharacter.sources.draw import Candidate
from opencharacter.sources.language import language_label
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.person import person_of
from opencharacter.sources.screen import Flaw, find_flaw, is_storable, strip_invisible

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
_LONG = "too_long"
_SHORT = 4
_NOTHING = ("none", "null", "nan", "n/a")
# Of a template that was not filled in; not as in \\text{name} or ${name}.
_BLANK = re.compile(
    r"(?<![\w$\\^])(?:\{\{\s*\w+\s*\}\}|\{(?:(?:first|last|full|user|char)_?)?(?:name|char|character"
    r"|user|persona|bot|age|gender|job|occupation|city|country)\}|[<\[](?:your[ _])?name[>\]])",
    re.IGNORECASE,
)


class Draft(NamedTuple):
    """A good persona, before it is known to be drawn."""

    text: str
    domain: str | None


class Layout(NamedTuple):
    """Where the text of a row is."""

    columns: tuple[str, ...]
    """Names of the text, the first there is being read."""
    template: tuple[tuple[str, str | None], ...] = ()
    """Instead: fixed texts, each with the column whose value follows it, if any."""


def layout_of(config: PersonasConfig) -> Layout:
    """Return where the settings say the text is."""
    if config.template is None:
        return Layout((config.column,) if config.column else COLUMNS)
    pieces = string.Formatter().parse(config.template)
    return Layout((), tuple((fixed, column) for fixed, column, _, _ in pieces))


def bare_text(value: dict[str, Any], layout: Layout) -> str | None:
    """Return the text of a row as it would be kept, unchecked; None where there is none."""
    raw = _raw_text(value, layout)
    return normal(raw) if isinstance(raw, str) and is_storable(raw) else None


def _raw_text(value: dict[str, Any], layout: Layout) -> str | Flaw:
    if layout.template:
        return _composed(value, layout.template)
    for column in layout.columns:
        if column in value:
            raw = value[column]
            if isinstance(raw, str):
                return raw
            return Flaw("wrong_type", f"'{column}' must be a string; it is {_type(raw)}")
    columns = list(layout.columns)
    detail = f"none of {columns} among the keys {_keys(value)}; set personas.column"
    return Flaw("missing_key", detail)


def _composed(value: dict[str, Any], template: tuple[tuple[str, str | None], ...]) -> str | Flaw:
    text = ""
    for fixed, column in template:
        text += fixed
        if column is None:
            continue
        if column not in value:
            detail = f"no '{column}' among the keys {_keys(value)}; change personas.template"
            return Flaw("missing_key", detail)
        part = value[column]
        if not isinstance(part, str | int | float) or isinstance(part, bool):
            return Flaw("wrong_type", f"'{column}' must be text or a number; it is {_type(part)}")
        text += str(part)
    return text


def _type(value: Any) -> str:
    return f"of type {type(value).__name__}"


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
    raw = _raw_text(row.value, layout_of(config))
    if isinstance(raw, Flaw):
        return reject(row.place, raw.reason, raw.detail, row.value)
    text = normal(raw)
    if flaw := _find_text_flaw(raw, text, config.max_chars):
        return reject(row.place, flaw.reason, flaw.detail, text if flaw.reason == _LONG else raw)
    draft = Draft(text, domain_of(row.value, config.domain))
    return Candidate(file << ROW_BITS | row.number, row.place, text.encode(), text, draft)


def is_good(value: dict[str, Any], layout: Layout, max_chars: int) -> bool:
    """Whether `check_row` would take a row."""
    raw = _raw_text(value, layout)
    return isinstance(raw, str) and _find_text_flaw(raw, normal(raw), max_chars) is None


def _find_text_flaw(raw: str, text: str, max_chars: int) -> Flaw | None:
    """Return what is wrong with a text, as it stood and as it would be kept."""
    if flaw := find_flaw(raw):
        return flaw
    if not _WORD.search(text):
        return Flaw("empty", "the text holds no letter or digit")
    if len(text) <= _SHORT and (text.casefold() in _NOTHING or len(text.encode()) == 1):
        return Flaw("empty", f"the text is {text!r}")
    has_brackets = "{" in text or "[" in text or "<" in text
    if has_brackets and (blank := _BLANK.search(text)):
        return Flaw("placeholder", f"nobody filled in {blank.group()!r}")
    if len(text) > max_chars:
        detail = f"{len(text):,} characters; personas.max_chars is {max_chars:,}"
        return Flaw(_LONG, detail)
    return None


def domain_of(value: dict[str, Any], column: str | None) -> str | None:
    """Return the label of a row in `column`, or else Persona Hub's broadest.

    Persona Hub writes the string `None` where it has none.
    """
    if column is None and len(value) == 1:  # the commonest layout by far
        return None
    for name in (column,) if column else DOMAINS:
        label = value.get(name)
        if isinstance(label, str) and label.strip() not in ("", "None") and not find_flaw(label):
            return label.strip()
    return None


def stratum_of(config: PersonasConfig, text: str, value: dict[str, Any]) -> str:
    """Return the name of the stratum of a row; empty for all where there are none."""
    match config.stratify:
        case Stratify.domain:
            return domain_of(value, config.domain) or "none"
        case Stratify.language:
            label = language_label(text) or "other"
            return label if not config.shares or label in config.shares else "other"
        case Stratify.length:
            return f"up to {max(32, 1 << (len(text) - 1).bit_length())}"
        case Stratify.person:
            return person_of(text)
    return ""


def _keys(value: dict[str, Any]) -> list[str]:
    return [str(key)[:40] for key in list(value)[:10]]
