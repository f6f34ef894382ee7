"""Instructions out of any sources and layouts: checked, without duplicates, sampled."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import takewhile
from typing import NamedTuple

from opencharacter.config import InstructionsConfig
from opencharacter.ids import canonical_json
from opencharacter.records import Instruction, Message, Rejection, Role
from opencharacter.sources.draw import SHORT, Candidate, draw
from opencharacter.sources.layouts import LayoutError, Turn, read_turns
from opencharacter.sources.lines import Row, reject
from opencharacter.sources.rows import (
    EMBEDDED_LICENCE,
    Source,
    SourceFile,
    Tally,
    embedded_file,
    no_rows,
    open_source,
    with_distinct_names,
)
from opencharacter.sources.screen import find_flaw, strip_invisible

# Bits of a position that number the row; those above number the file.
_ROW_BITS = 44


class _Draft(NamedTuple):
    source: str
    licence: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    has_system: bool


class _Opened(NamedTuple):
    source: Source
    licence: str


def read_instructions(
    config: InstructionsConfig, *, seed: int, tally: Tally
) -> Iterator[Instruction | Rejection]:
    """Read the instructions of all `config.paths`, in the order of the sources.

    The layout is found row by row (see `layouts`). User turns become `messages`, the others
    `references`, up to the first that is missing; a system turn in front is left out and noted in
    `tally`. With `config.n`, the
    sample is the n distinct instructions of all sources together with the smallest 64-bit hash of
    seed, source and user turns, and the sources are read twice. Rejected are the reasons of
    `layouts.read_turns`, `line_too_long`, `invalid_utf8`, `broken_json`, `empty` (no turns),
    `empty_turn`, `does_not_start_with_user`, `turns_do_not_alternate`, `too_long`,
    `control_tokens`, `prompt_injection`, and `duplicate`: the same user turns in one source,
    whatever the answers; the detail says whether they are the same.

    Args:
        config: Where they come from, and how many are kept.
        seed: Of the sample.
        tally: Filled while the result is consumed: rows = instructions + rejections + not drawn.

    Raises:
        SourceError: A source is missing, named twice, without rows, or broken as a whole. Wrong
            paths are found at the call, the rest while reading.
    """
    licences = config.licences or ["unknown"] * len(config.paths)
    sources = open_instructions(config.paths)
    opened = [
        _Opened(source, _licence(source, licence))
        for source, licence in zip(sources, licences, strict=True)
    ]
    return _instructions(opened, config, seed=seed, tally=tally)


def open_instructions(paths: Sequence[str]) -> list[Source]:
    """Return the sources of instructions under the names that their rows carry.

    Raises:
        SourceError: One of them is not there, or is named twice.
    """
    return with_distinct_names([open_source(path, "instructions.jsonl") for path in paths])


def _licence(source: Source, named: str) -> str:
    is_inside = source.asked == "embedded" or embedded_file(source.asked) is not None
    is_ours = is_inside and named == "unknown"
    return EMBEDDED_LICENCE if is_ours else named


def _instructions(
    opened: Sequence[_Opened], config: InstructionsConfig, *, seed: int, tally: Tally
) -> Iterator[Instruction | Rejection]:
    met = _Met([file for one in opened for file in one.source.files])
    candidates = partial(_candidates, opened, config.max_chars)
    drawn = draw(candidates, config.n, seed=seed, tally=tally, same=met.same)
    for item in drawn:
        if isinstance(item, Rejection):
            yield item
            continue
        draft = item.value
        met.add(item)
        if draft.has_system:
            tally.note("system turn left out")
        yield Instruction(
            source=draft.source,
            messages=tuple(Message(role=Role.user, content=text) for text in draft.questions),
            references=draft.answers,
            licence=draft.licence,
            origin=item.place,
        )
    if config.n is not None and (short := tally.notes.get(SHORT)):
        tally.unmet.append(f"instructions.n asks for {config.n:,}, there are {config.n - short:,}")


class _Met:
    """The rows that were drawn, and hashes of their answers: 16 bytes a row."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = files
        self._positions = array("q")  # ascending, as rows are drawn in the order of the sources
        self._answers = array("Q")

    def add(self, drawn: Candidate[_Draft]) -> None:
        """Remember a row."""
        self._positions.append(drawn.position)
        self._answers.append(_hash(drawn.value.answers))

    def same(self, first: int, item: Candidate[_Draft]) -> str:
        """Say that a row asks the same as the one that stands at `first`, and how it answers."""
        number = first & ((1 << _ROW_BITS) - 1)
        place = self._files[first >> _ROW_BITS].place(number)
        answers = self._answers[bisect_left(self._positions, first)]
        is_other = answers != _hash(item.value.answers)
        return (
            f"asks the same as {place}, with another answer" if is_other else f"the same as {place}"
        )


def _hash(answers: tuple[str, ...]) -> int:
    return int.from_bytes(blake2b(canonical_json(answers), digest_size=8).digest(), "big")


def _candidates(
    opened: Sequence[_Opened], max_chars: int
) -> Iterator[Candidate[_Draft] | Rejection]:
    n_files = 0
    for one in opened:
        is_empty = True
        for index, file in enumerate(one.source.files, start=n_files):
            for row in file.rows():
                is_empty = False
                yield _candidate(row, index, one, max_chars)
        if is_empty:
            raise no_rows(one.source.asked)
        n_files += len(one.source.files)


def _candidate(
    row: Row | Rejection, file: int, one: _Opened, max_chars: int
) -> Candidate[_Draft] | Rejection:
    if isinstance(row, Rejection):
        return row
    try:
        turns = [_stripped(turn) for turn in read_turns(row.value)]
        has_system = bool(turns) and turns[0].role is Role.system
        dialogue = _without_system(turns)
        _check_dialogue(dialogue, max_chars)
    except LayoutError as error:
        return reject(row.place, error.reason, error.detail, row.value)
    questions = tuple(turn.text or "" for turn in dialogue[::2])
    answers = tuple(takewhile(bool, (turn.text or "" for turn in dialogue[1::2])))
    draft = _Draft(one.source.name, one.licence, questions, answers, has_system)
    identity = canonical_json([one.source.name, questions])
    position = file << _ROW_BITS | row.number
    return Candidate(position, row.place, identity, questions[0], draft)


def _stripped(turn: Turn) -> Turn:
    return turn if turn.text is None else Turn(turn.role, strip_invisible(turn.text))


def _without_system(turns: list[Turn]) -> list[Turn]:
    first = next((i for i, turn in enumerate(turns) if turn.role is not Role.system), len(turns))
    return turns[first:]


def _check_dialogue(turns: Sequence[Turn], max_chars: int) -> None:
    """Raise a `LayoutError` unless user and assistant alternate, in texts that may be used."""
    if not turns:
        raise LayoutError("empty", "no turns")
    if turns[0].role is not Role.user:
        raise LayoutError("does_not_start_with_user", f"the first turn is by '{turns[0].role}'")
    for number, turn in enumerate(turns, start=1):
        if turn.role is not (Role.user if number % 2 else Role.assistant):
            detail = f"turn {number} is by '{turn.role}', like the one before or out of place"
            raise LayoutError("turns_do_not_alternate", detail)
        if turn.text is None:
            continue
        if not turn.text:
            raise LayoutError("empty_turn", f"turn {number}, by '{turn.role}', is empty")
        if flaw := find_flaw(turn.text):
            raise LayoutError(flaw.reason, f"turn {number}, by '{turn.role}': {flaw.detail}")
    size = sum(len(turn.text or "") for turn in turns)
    if size > max_chars:
        raise LayoutError(
            "too_long", f"{size:,} characters; instructions.max_chars is {max_chars:,}"
        )
