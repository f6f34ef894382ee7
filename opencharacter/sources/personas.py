"""Personas out of any source: cleaned, checked, without duplicates, sampled, split."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencharacter.config import NearDuplicates, Person, PersonasConfig, Stratify
from opencharacter.errors import SourceError
from opencharacter.ids import content_id, stable_fraction
from opencharacter.records import Persona, Rejection, Split
from opencharacter.sources.draw import SHORT, Candidate, pick
from opencharacter.sources.groups import Groups, find_groups
from opencharacter.sources.language import guess_language
from opencharacter.sources.lines import reject
from opencharacter.sources.near import letters_of
from opencharacter.sources.person import person_of
from opencharacter.sources.persona_rows import ROW_BITS, Draft, check_row
from opencharacter.sources.rows import (
    EMBEDDED_LICENCE,
    Kind,
    Reading,
    Source,
    Tally,
    Watch,
    no_rows,
    open_source,
)
from opencharacter.sources.scan import Scan
from opencharacter.sources.unmet import refuse_unknown, unmet, unmet_near

_STRATA_NAMED = 32
_TOLD_EVERY = 1000  # rows

_Item = Candidate[Draft] | Rejection


class _Draw(NamedTuple):
    """A sample that is decided."""

    items: Callable[[Tally], Iterator[_Item]]
    """Reads the drawn rows and the rejected ones, in the order of the source, and counts them."""
    order: NDArray[np.uint64] | None
    """Keys in the order in which they were drawn; None = ascending."""


def read_personas(
    config: PersonasConfig, *, seed: int, tally: Tally
) -> Iterator[Persona | Rejection]:
    """Read the personas of `config.path`, in the order of the source.

    With `config.n`, the sample is the n distinct good texts with the smallest 64-bit hash of seed
    and text: whatever their order, and a smaller sample is part of a larger. The source is then
    read once. With `config.stratify` strata take turns instead, each giving the text of its
    smallest hash (see `sources.quota`). What ends up behind the last one drawn is not looked at,
    good or bad, and counts as not drawn, unless no text can be read from it.

    Near-duplicates are looked for among the drawn (see `sources.near`). With `reject`, a text stays
    unless it is near one that was drawn before it and stays: a smaller sample still is part of a
    larger, and whether a persona is held out hangs on its text alone, case, punctuation and white
    space apart. With `keep` all stay; what is near, be it over others, is one cluster, held out or
    not as the first drawn of it would be alone.

    Rejected are `line_too_long`, `invalid_utf8`, `broken_json`, `wrong_type`, `missing_key`,
    `empty`, `too_long`, `control_tokens`, `prompt_injection`, `duplicate` and `near_duplicate`.

    Args:
        config: Where they come from, and which are kept.
        seed: Of the sample.
        tally: Filled while the result is consumed: rows = personas + rejections + not drawn.

    Raises:
        SourceError: There is no such source, it has no rows, it is broken as a whole, or there is
            no room for a temporary file of the rows that may be drawn. A wrong path is found at
            the call, the rest while reading.
    """
    return _personas(open_personas(config), config, seed=seed, tally=tally)


def open_personas(config: PersonasConfig) -> Source:
    """Return the source of the personas; nothing of it is read yet.

    Raises:
        SourceError: There is no such source.
    """
    return open_source(
        config.path, "personas.jsonl", hub_config=config.hub_config, revision=config.revision
    )


def _personas(
    source: Source, config: PersonasConfig, *, seed: int, tally: Tally
) -> Iterator[Persona | Rejection]:
    with tempfile.TemporaryFile() as aside:
        is_hub = any(file.kind is Kind.hub for file in source.files)
        with tally.watched() as watch:
            if config.n is None and not is_hub:
                draw = _draw_all(source, config, seed)
                drawn = _told(draw.items(Tally()), watch)
            else:
                scan = Scan(config, seed, aside)
                scan.read(source, watch)
                draw = _draw_sample(source, config, seed=seed, tally=tally, scan=scan)
                drawn = draw.items(Tally())
            groups = find_groups(
                drawn,
                config.near_threshold,
                chained=config.near_duplicates == NearDuplicates.keep,
                most=config.near_rows,
                order=draw.order,
            )
        if len(groups.keys) > config.near_rows:
            tally.note("near-duplicates not looked for: more rows than near_rows", len(groups.keys))
            tally.unmet += unmet_near(config, len(groups.keys))
        yield from _grouped(source, config, draw, groups, tally)


def _draw_all(source: Source, config: PersonasConfig, seed: int) -> _Draw:
    def items(tally: Tally) -> Iterator[_Item]:
        rows = _all_rows(source, config)
        return pick(rows, None, seed=seed, tally=tally, same=partial(_same, source))

    return _Draw(items, None)


def _told(items: Iterator[_Item], watch: Watch) -> Iterator[_Item]:
    for number, item in enumerate(items, start=1):
        if number % _TOLD_EVERY == 0:
            watch(Reading(number, 0, 0))
        yield item


def _all_rows(source: Source, config: PersonasConfig) -> Iterator[_Item]:
    is_empty = True
    for index, file in enumerate(source.files):
        for row in file.rows(config.column or "text"):
            is_empty = False
            yield row if isinstance(row, Rejection) else check_row(row, index, config)
    if is_empty:
        raise no_rows(source.asked)


def _draw_sample(
    source: Source, config: PersonasConfig, *, seed: int, tally: Tally, scan: Scan
) -> _Draw:
    if not scan.n_rows:
        raise no_rows(source.asked)
    keys = None
    if scan.quota:
        keys = scan.quota.kept.keys
        if len(keys) < scan.quota.n:
            tally.note(SHORT, scan.quota.n - len(keys))
        if config.stratify:
            _note_strata(scan.quota.counts(), config.stratify, tally)
        refuse_unknown(config, scan.quota.counts(), source)
        tally.unmet += unmet(config, scan.quota.counts())
    tally.rows += scan.n_rows - scan.n_aside
    tally.not_drawn += scan.n_rows - scan.n_aside

    def items(counted: Tally) -> Iterator[_Item]:
        rows = (
            row if isinstance(row, Rejection) else check_row(row, file, config)
            for file, row in scan.rows()
        )
        return pick(rows, keys, seed=seed, tally=counted, same=partial(_same, source))

    return _Draw(items, keys)


def _note_strata(counts: dict[str, int], strata: Stratify, tally: Tally) -> None:
    if len(counts) <= _STRATA_NAMED:
        for label, count in counts.items():
            tally.note(f"drawn of {strata} {label}", count)
        return
    tally.note(f"drawn of how many a {strata}", sum(map(bool, counts.values())))
    tally.note(f"drawn of the largest {strata}", max(counts.values()))
    tally.note(f"drawn of the smallest {strata}", min(filter(None, counts.values())))


def _grouped(
    source: Source, config: PersonasConfig, draw: _Draw, groups: Groups, tally: Tally
) -> Iterator[Persona | Rejection]:
    """Yield what is drawn; of each group its leader alone, or all under its name."""
    rejects = config.near_duplicates == NearDuplicates.reject
    leading = {} if rejects else _texts(draw.items(Tally()), groups.followed())
    number = 0
    for item in draw.items(tally):
        if isinstance(item, Rejection):
            yield item
            continue
        if number == len(groups.keys) or item.key != groups.keys[number]:
            raise _changed(source)
        leader = int(groups.leaders[number])
        if leader == number:
            yield _persona(item, item.text, source, config)
        elif rejects:
            detail = f"close to {_place(source, int(groups.positions[leader]))}"
            yield reject(item.place, "near_duplicate", detail, item.text)
        else:
            tally.note("kept, though close to another")
            yield _persona(item, leading[leader], source, config)
        number += 1
        if (person := person_of(item.text)) is not Person.third:
            tally.note(f"drawn in the {person} person")
    if number < len(groups.keys):
        raise _changed(source)


def _changed(source: Source) -> SourceError:
    return SourceError(
        f"{source.asked} changed while it was read; wait until it is complete, then run the stage "
        "again"
    )


def _texts(items: Iterator[_Item], numbers: set[int]) -> dict[int, str]:
    """Return the texts of the drawn rows of these numbers."""
    if not numbers:
        return {}
    drawn = (item for item in items if not isinstance(item, Rejection))
    return {number: item.text for number, item in enumerate(drawn) if number in numbers}


def _persona(
    item: Candidate[Draft], leader: str, source: Source, config: PersonasConfig
) -> Persona:
    """Return the persona of a row that is in the group of the text `leader`."""
    is_ours = config.path == "embedded" and config.licence == "unknown"
    letters = letters_of(leader)
    is_heldout = stable_fraction("heldout", letters) < config.heldout
    return Persona(
        source=source.name,
        text=item.text,
        language=guess_language(item.text),
        domain=item.value.domain,
        licence=EMBEDDED_LICENCE if is_ours else config.licence,
        split=Split.heldout if is_heldout else Split.train,
        cluster=content_id("cluster", letters),
        origin=item.place,
    )


def _same(source: Source, first: int, _: Candidate[Draft]) -> str:
    return f"the same as {_place(source, first)}"


def _place(source: Source, position: int) -> str:
    return source.files[position >> ROW_BITS].place(position & ((1 << ROW_BITS) - 1))
