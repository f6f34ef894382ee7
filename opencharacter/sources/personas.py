"""Personas out of any source: cleaned, checked, without duplicates, sampled, split."""

import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from opencharacter.config import PersonasConfig
from opencharacter.ids import content_id, stable_fraction
from opencharacter.records import Persona, Rejection, Split
from opencharacter.sources.draw import Candidate, draw
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.rows import EMBEDDED_LICENCE, Source, Tally, no_rows, open_source
from opencharacter.sources.screen import find_flaw, strip_invisible

COLUMNS = ("persona", "input persona", "text")
"""Columns of the text, the first there is being read: Persona Hub's two, and a common one."""
_DOMAINS = tuple(
    f"{breadth} domain (top {share} percent)"
    for breadth in ("general", "specific")
    for share in ("1", "0.1")
)
# Bits of a position that number the row; those above number the file.
_ROW_BITS = 44
_WORD = re.compile(r"[^\W_]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SURE_HAN = 8


class _Draft(NamedTuple):
    text: str
    domain: str | None


def read_personas(
    config: PersonasConfig, *, seed: int, tally: Tally
) -> Iterator[Persona | Rejection]:
    """Read the personas of `config.path`, in the order of the source.

    With `config.n`, the sample is the n distinct texts with the smallest 64-bit hash of seed and
    text: whatever their order, and a smaller sample is part of a larger; the source is then read
    twice. Whether a persona is held out hangs on its text alone, case, punctuation and white space
    apart, as its cluster does. Rejected are `line_too_long`, `invalid_utf8`, `broken_json`,
    `wrong_type`, `missing_key`, `empty`, `too_long`, `control_tokens`, `prompt_injection` and
    `duplicate`; among rows that are not drawn duplicates are not looked for.

    Args:
        config: Where they come from, and which are kept.
        seed: Of the sample.
        tally: Filled while the result is consumed: rows = personas + rejections + not drawn.

    Raises:
        SourceError: There is no such source, it has no rows, or it is broken as a whole. A wrong
            path is found at the call, the rest while reading.
    """
    source = open_source(
        config.path, "personas.jsonl", hub_config=config.hub_config, revision=config.revision
    )
    return _personas(source, config, seed=seed, tally=tally)


def _personas(
    source: Source, config: PersonasConfig, *, seed: int, tally: Tally
) -> Iterator[Persona | Rejection]:
    is_ours = config.path == "embedded" and config.licence == "unknown"
    licence = EMBEDDED_LICENCE if is_ours else config.licence
    drawn = draw(
        partial(_candidates, source, config),
        config.n,
        seed=seed,
        tally=tally,
        place=partial(_place, source),
    )
    for item in drawn:
        if isinstance(item, Rejection):
            yield item
            continue
        text = item.value.text
        folded = _folded(text)
        is_heldout = stable_fraction("heldout", folded) < config.heldout
        yield Persona(
            source=source.name,
            text=text,
            language=guess_language(text),
            domain=item.value.domain,
            licence=licence,
            split=Split.heldout if is_heldout else Split.train,
            cluster=content_id("cluster", folded),
            origin=item.place,
        )


def _folded(text: str) -> str:
    """Return the letters and digits of a text, without case or width: what a cluster shares.

    So "A baker from Lima." is not trained on while "A baker from Lima" is held out. Texts that
    differ in a word are still strangers to each other; finding those takes MinHash (issue 3).
    """
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def guess_language(text: str) -> str | None:
    """Return `zh`, `ja` or `ko` where the script leaves no doubt, else None.

    Cyrillic, Arabic or Latin script tells no language. Short runs of Han alone may be Japanese,
    and a kana or two decorates Chinese.
    """
    if text.isascii():
        return None
    letters = len(_WORD.findall(text))
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    if 2 * hangul > letters:
        return "ko"
    if 2 * (han + kana) <= letters:
        return None
    if 10 * kana >= han + kana:
        return "ja"
    return "zh" if kana == 0 and han >= _SURE_HAN else None


def _place(source: Source, position: int) -> str:
    return source.files[position >> _ROW_BITS].place(position & ((1 << _ROW_BITS) - 1))


def _candidates(source: Source, config: PersonasConfig) -> Iterator[Candidate[_Draft] | Rejection]:
    is_empty = True
    for index, file in enumerate(source.files):
        for row in file.rows(config.column or "text"):
            is_empty = False
            yield row if isinstance(row, Rejection) else _checked(row, index, config)
    if is_empty:
        raise no_rows(source.asked)


def _checked(row: Row, file: int, config: PersonasConfig) -> Candidate[_Draft] | Rejection:
    columns = (config.column,) if config.column else COLUMNS
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
    text = " ".join(strip_invisible(raw).split())
    if not _WORD.search(text):
        return reject(row.place, "empty", f"'{column}' holds no letter or digit", raw)
    if len(text) > config.max_chars:
        detail = f"{len(text):,} characters; personas.max_chars is {config.max_chars:,}"
        return reject(row.place, "too_long", detail, text)
    position = file << _ROW_BITS | row.number
    draft = _Draft(text, _domain(row.value))
    return Candidate(position, row.place, text.encode(), text, draft)


def _domain(value: dict[str, Any]) -> str | None:
    """Return the broadest label; Persona Hub writes the string `None` where it has none."""
    if len(value) == 1:  # the commonest layout by far
        return None
    for name in _DOMAINS:
        label = value.get(name)
        if isinstance(label, str) and label.strip() not in ("", "None") and not find_flaw(label):
            return label.strip()
    return None


def _keys(value: dict[str, Any]) -> list[str]:
    return [str(key)[:40] for key in list(value)[:10]]
