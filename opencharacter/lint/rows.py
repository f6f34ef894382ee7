"""The rows of a source, each with its problems and what a mended copy has in its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from opencharacter.checks.words import words_of
from opencharacter.lint.dialogue import Dialogue
from opencharacter.lint.rules import LEFT_OUT, Finding, findings, mended
from opencharacter.records import Rejection
from opencharacter.sources.layouts import LayoutError, read_turns, with_turns
from opencharacter.sources.lines import Row, decoded_again
from opencharacter.sources.rows import Source


class Checked(NamedTuple):
    """A row that was looked at."""

    place: str
    findings: list[Finding]
    mended: dict[str, Any] | None
    """The row for the mended copy; None = left out."""


_SPLIT = re.compile(r"(?:^|[^a-z])(train|valid|val|dev|test|eval|heldout)(?:[^a-z]|$)")


def check_source(source: Source, skip: Sequence[str] = ()) -> Iterator[Checked]:
    """Check every row of a source: each alone, and against those before it.

    Memory grows by about 100 bytes a row, for the hashes that duplicates are found by.

    Args:
        source: Files of one data set, such as `train.jsonl` and `test.jsonl`.
        skip: Problems that are not looked for.
    """
    seen = _Seen(set(skip))
    for file in source.files:
        split = _SPLIT.search(file.shown.lower())
        for row in file.rows():
            yield _check_row(row, seen, split[1] if split else "")


def _check_row(row: Row | Rejection, seen: "_Seen", split: str) -> Checked:
    if isinstance(row, Rejection):
        found = [Finding(row.origin, row.reason, row.detail, LEFT_OUT)]
        return Checked(row.origin, found, None)
    found = [f for f in _of_row(row) if f.problem not in seen.skip]
    value = _plain_row(row.value, seen.skip)
    try:
        dialogue = Dialogue(place=row.place, row=value, turns=read_turns(value))
        found += findings(dialogue, tuple(seen.skip))
        turns = mended(dialogue, tuple(seen.skip))
        # As the copy has it: two rows may be alike only after mending.
        kept = dialogue if turns is None else replace(dialogue, turns=turns)
        found += seen.findings(kept, str(value.get("split") or split))
        is_left_out = turns is None or any(f.problem in _SET_PROBLEMS for f in found)
        copy = None if is_left_out or turns is None else with_turns(value, turns)
    except LayoutError as error:
        found.append(Finding(row.place, error.reason, error.detail, LEFT_OUT))
        copy = None
    return Checked(row.place, found, copy)


def _of_row(row: Row) -> Iterator[Finding]:
    """Yield problems of the row's own form."""
    if row.is_encoded_twice:
        detail = "the row is a JSON string that holds an object"
        yield Finding(row.place, "encoded_twice", detail, "decoded")
    for key, value in row.value.items():
        if " " in key:
            yield Finding(row.place, "key_with_space", repr(key), "underscores for spaces")
        if isinstance(value, str) and value.strip() in _NONE:
            detail = f"{key!r} is the word {value!r}"
            yield Finding(row.place, "none_value", detail, "null for the word")
        if key in _LISTS and isinstance(value, str):
            detail = f"{key!r} is a string that holds JSON"
            yield Finding(row.place, "encoded_twice", detail, "decoded")


_NONE = ("None", "null", "nan", "NaN")
_LISTS = ("messages", "conversations", "tools")


def _plain_row(row: dict[str, Any], skip: set[str]) -> dict[str, Any]:
    """Return a row as the mended copy has it, its turns apart."""
    if "encoded_twice" not in skip:
        row = {
            k: decoded_again(v) if k in _LISTS and isinstance(v, str) else v for k, v in row.items()
        }
    if "none_value" not in skip:
        row = {k: None if isinstance(v, str) and v.strip() in _NONE else v for k, v in row.items()}
    if "key_with_space" not in skip:
        row = {key.replace(" ", "_"): value for key, value in row.items()}
    return row


_SET_PROBLEMS = ("duplicate", "split_leak")


class _Seen:
    """What the rows before said, by hashes of 16 bytes."""

    def __init__(self, skip: set[str]) -> None:
        self.skip = skip
        self._dialogues: dict[bytes, str] = {}
        self._openings: dict[bytes, tuple[str, str]] = {}

    def findings(self, dialogue: Dialogue, split: str) -> Iterator[Finding]:
        """Yield `duplicate` and `split_leak`, and remember the dialogue."""
        spoken = [" ".join(words_of(turn.text or "")) for turn in dialogue.spoken]
        if not any(spoken):
            return
        whole = self._dialogues.setdefault(_digest(spoken), dialogue.place)
        if whole != dialogue.place and "duplicate" not in self.skip:
            yield Finding(dialogue.place, "duplicate", f"the same words as {whole}", LEFT_OUT)
        place, first = self._openings.setdefault(_digest(spoken[:2]), (dialogue.place, split))
        if first != split and split and first and "split_leak" not in self.skip:
            detail = f"begins like {place}, which is in {first!r}; this is {split!r}"
            yield Finding(dialogue.place, "split_leak", detail, LEFT_OUT)


def _digest(texts: Sequence[str]) -> bytes:
    return blake2b("\x00".join(texts).encode("utf-8", "replace"), digest_size=16).digest()
