"""The rows of a source, each with its problems and what a mended copy has in its place."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from opencharacter.errors import BrokenListError, ConfigError
from opencharacter.lint.dialogue import Dialogue
from opencharacter.lint.rules import LEFT_OUT, RULES, Finding, findings, mended
from opencharacter.records import Rejection
from opencharacter.sources.layouts import LayoutError, joined_parts, read_turns, with_turns
from opencharacter.sources.lines import Row, decoded_again, reject, storable
from opencharacter.sources.rows import Source, SourceFile


class Checked(NamedTuple):
    """A row that was looked at."""

    place: str
    findings: list[Finding]
    mended: dict[str, Any] | None
    """The row for the mended copy; None = left out."""


_SPLIT = re.compile(r"(?:^|[^a-z])(train|valid|val|dev|test|eval|heldout)(?:[^a-z]|$)")
_NONE = ("None", "null", "nan", "NaN")
_SAID = ("instruction", "output", "synthesized text")  # a turn, and literal_none looks at turns
_LISTS = ("messages", "conversations")
_HALF = re.compile("[\ud800-\udfff]")
_ROW_BITS = 40  # of a position; those above number the file

_ROW_PROBLEMS = (
    "encoded_twice", "lone_surrogate", "key_with_space", "none_value", "content_parts",
)  # fmt: skip
_SET_PROBLEMS = ("duplicate", "split_leak")
PROBLEMS = (*_ROW_PROBLEMS, *(rule.problem for rule in RULES), *_SET_PROBLEMS)
"""What can be skipped; rows that cannot be read are always told."""


def skipping(names: Sequence[str]) -> frozenset[str]:
    """Return the problems that are not looked for.

    Raises:
        ConfigError: there is no such problem.
    """
    if unknown := sorted(set(names) - set(PROBLEMS)):
        raise ConfigError(
            f"lint.skip names {', '.join(unknown)}; choose from {', '.join(PROBLEMS)}"
        )
    return frozenset(names)


def check_source(source: Source, skip: Collection[str] = ()) -> Iterator[Checked]:
    """Check every row of a source: each alone, and against those before it.

    Memory grows by about 120 bytes a row, and by 90 more where rows are of a split, for the 64-bit
    hashes that duplicates are found by. Two different rows share one, and the later is taken for a
    duplicate, with a probability of 3e-8 among a million rows.

    Args:
        source: Files of one data set, such as `train.jsonl` and `test.jsonl`.
        skip: Problems that are not looked for, of `PROBLEMS`.
    """
    seen = _Seen(source.files, skip)
    for number, file in enumerate(source.files):
        split = _split_of(file.shown)
        for row in _rows_of(file):
            yield _storable(_check_row(row, seen, split, number << _ROW_BITS))


def _rows_of(file: SourceFile) -> Iterator[Row | Rejection]:
    """Yield the rows of a file; of a list that breaks off, those before, and a rejection."""
    try:
        yield from file.rows()
    except BrokenListError as error:
        yield reject(error.place, "broken_json", f"{error.detail}; all behind it is lost")


def _split_of(shown: str) -> str:
    """Return the split that a file's name tells, or else its folder's."""
    found = (_SPLIT.search(part) for part in reversed(shown.lower().split("/")))
    return next((match[1] for match in found if match), "")


def _storable(checked: Checked) -> Checked:
    """Return it with findings that can be printed, whatever row and file name hold."""
    return checked._replace(
        findings=[Finding(*map(storable, finding)) for finding in checked.findings]
    )


def _check_row(row: Row | Rejection, seen: "_Seen", split: str, base: int) -> Checked:
    if isinstance(row, Rejection):
        found = [Finding(row.origin, row.reason, row.detail, LEFT_OUT)]
        return Checked(row.origin, found, None)
    value = _plain_row(row.value, seen.skip)
    found = [f for f in _of_row(row, value) if f.problem not in seen.skip]
    try:
        dialogue = Dialogue(place=row.place, row=value, turns=read_turns(value))
        found += findings(dialogue, seen.skip)
        turns = mended(dialogue, seen.skip)
        # As the copy has it: two rows may be alike only after mending.
        kept = dialogue if turns is None else replace(dialogue, turns=turns)
        found += seen.findings(kept, str(value.get("split") or split), base | row.number)
        is_left_out = turns is None or any(f.problem in _SET_PROBLEMS for f in found)
        copy = None if is_left_out or turns is None else with_turns(value, turns)
    except LayoutError as error:
        found.append(Finding(row.place, error.reason, error.detail, LEFT_OUT))
        copy = None
    return Checked(row.place, found, copy and _storable_row(copy, seen.skip))


def _of_row(row: Row, value: dict[str, Any]) -> Iterator[Finding]:
    """Yield problems of the row's own form; `value` is what `_plain_row` made of it."""
    if row.is_encoded_twice:
        detail = "the row is a JSON string that holds an object"
        yield Finding(row.place, "encoded_twice", detail, "decoded")
    if half := _HALF.search(_json(value)):
        detail = f"half a character, {half[0]!r}, which no text in UTF-8 can hold"
        yield Finding(row.place, "lone_surrogate", detail, "U+FFFD for it")
    for key, given in row.value.items():
        if " " in key:
            yield Finding(row.place, "key_with_space", repr(key), "underscores for spaces")
        if _is_none(key, given):
            detail = f"{key!r} is the word {given!r}"
            yield Finding(row.place, "none_value", detail, "null for the word")
        if key in _LISTS and (turns := _decoded(given)) is not given:
            detail = f"{key!r} is a string that holds a list as JSON"
            yield Finding(row.place, "encoded_twice", detail, "decoded")
        if key in _LISTS and _plain_list(turns) != turns:
            detail = f"a turn of {key!r} is a list of parts"
            yield Finding(row.place, "content_parts", detail, "the text of the parts")


def _is_none(key: str, value: Any) -> bool:
    return key not in _SAID and isinstance(value, str) and value.strip() in _NONE


def _plain_row(row: dict[str, Any], skip: Collection[str]) -> dict[str, Any]:
    """Return a row as the mended copy has it, turns and names of columns apart."""
    if "encoded_twice" not in skip:
        row = {key: _decoded(value) if key in _LISTS else value for key, value in row.items()}
    if "content_parts" not in skip:
        row = {key: _plain_list(value) if key in _LISTS else value for key, value in row.items()}
    if "none_value" not in skip:
        row = {key: None if _is_none(key, value) else value for key, value in row.items()}
    return row


def _decoded(value: Any) -> Any:
    """Return the list that a string holds as JSON, or the value itself."""
    listed = decoded_again(value) if isinstance(value, str) else value
    return listed if isinstance(listed, list) else value


def _plain_list(value: Any) -> Any:
    """Return turns with text for lists of parts, or the value itself."""
    if not isinstance(value, list):
        return value
    return [
        turn | {key: joined_parts(turn[key]) for key in ("content", "value") if key in turn}
        if isinstance(turn, dict)
        else turn
        for turn in value
    ]


def _storable_row(row: dict[str, Any], skip: Collection[str]) -> dict[str, Any]:
    """Return a row with names and characters that every reader of the copy takes."""
    if "key_with_space" not in skip:
        row = {key.replace(" ", "_"): value for key, value in row.items()}
    if "lone_surrogate" not in skip and _HALF.search(text := _json(row)):
        row = json.loads(_HALF.sub("\ufffd", text))
    return row


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


class _Seen:
    """What the rows before said, by 64-bit hashes, and where."""

    def __init__(self, files: Sequence[SourceFile], skip: Collection[str]) -> None:
        self.skip = skip
        self._files = files
        self._dialogues: dict[int, int] = {}
        self._openings: dict[str, dict[int, int]] = {}
        """By split; rows of none are in none."""

    def findings(self, dialogue: Dialogue, split: str, position: int) -> Iterator[Finding]:
        """Yield `duplicate` and `split_leak`, and remember the dialogue."""
        spoken = [turn.text or "" for turn in dialogue.spoken]
        if not any(spoken):
            return
        whole = self._dialogues.setdefault(_hash([dialogue.system, *spoken]), position)
        if whole != position and "duplicate" not in self.skip:
            detail = f"the same text as {self._place(whole)}"
            yield Finding(dialogue.place, "duplicate", detail, LEFT_OUT)
        if not split or "split_leak" in self.skip:
            return
        opening = _hash([dialogue.system, *spoken[:2]])
        self._openings.setdefault(split, {}).setdefault(opening, position)
        for other, openings in self._openings.items():
            if other != split and opening in openings:
                place = self._place(openings[opening])
                detail = f"begins like {place}, which is in {other!r}; this is {split!r}"
                yield Finding(dialogue.place, "split_leak", detail, LEFT_OUT)
                return

    def _place(self, position: int) -> str:
        return self._files[position >> _ROW_BITS].place(position & ((1 << _ROW_BITS) - 1))


def _hash(texts: Sequence[str]) -> int:
    """Return 64 bits of texts, the same whatever their case and white space."""
    plain = "\x00".join(" ".join(text.casefold().split()) for text in texts)
    return int.from_bytes(blake2b(plain.encode("utf-8", "replace"), digest_size=8).digest())
