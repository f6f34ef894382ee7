"""Rows of a mixture to ids and labels, many at once, as Arrow columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from opencharacter.config import ControlText, Overlong
from opencharacter.errors import ModelError
from opencharacter.ids import content_id
from opencharacter.records import Rejection, Role, Tokens
from opencharacter.store.rows import arrow_schema
from opencharacter.train.dialogues import (
    Dialogue,
    Refused,
    read_dialogues,
    rejection,
    role_fault,
    text_fault,
)
from opencharacter.train.layout import Layout, Piece
from opencharacter.train.mask import UNLEARNED, check_mask
from opencharacter.train.opened import OpenTokenizer
from opencharacter.train.texts import Ids, Texts, spelling

_SCHEMA = arrow_schema(Tokens)
TAKEN = {
    "row_id": "id",
    **{name: name for name in ("character_id", "instruction_id", "persona_id", "source", "method")},
    "licence": "licence",
}
"""Columns of `Tokens` and the mixture's that they are."""
PROBES = (
    (("user", "Hello! Who are you?"), ("assistant", "I'm Ada: 36, born in London.")),
    (
        ("system", "You are Жанна, 42.\n\nShe says «ё»."),
        ("user", "¿Qué?"),
        ("assistant", "日本語 and مرحبا"),
        ("user", "- a\n- b"),
        ("assistant", "1. 🙂👍🏽\n2. done"),
    ),
)
"""Dialogues that are held against the template before anything is encoded."""


class Asked(NamedTuple):
    """What is made of dialogues."""

    tokenizer: OpenTokenizer
    max_length: int
    """Tokens of a dialogue at most."""
    overlong: Overlong
    control_text: ControlText
    max_answer: int = 0
    """Tokens of a decoder's answer at most."""


@dataclass(kw_only=True)
class Encoded:
    """What became of some rows."""

    batch: pa.RecordBatch
    """Of `Tokens`."""
    rejections: list[Rejection]
    notes: dict[str, int]


class _Laid(NamedTuple):
    """One dialogue as arrays of ids that follow one another."""

    arrays: list[Ids]
    is_learned: list[bool]
    """Of each of them."""
    dropped: int
    """Messages left out at the end."""
    is_sound: bool
    """False where the tokenizer has no tokens for a text of it."""

    @property
    def n_tokens(self) -> int:
        return sum(map(len, self.arrays))


class Encoder:
    """Encodes the rows of a mixture."""

    def __init__(self, asked: Asked) -> None:
        """Build the tokenizer, and lay the template out.

        Raises:
            ModelError: the template cannot be laid out.
        """
        self._asked = asked
        opened = asked.tokenizer
        self._texts = Texts(opened.json, strange=opened.control.values())
        self.layout = Layout(opened.template.text, opened.names, opened.control, self._texts.one)
        self._spelling = spelling(opened.json)
        self._bos = opened.control.get(opened.names.get("bos_token", ""), -1)
        if opened.names.get("bos_token", "") in self.layout.frame.after:
            self._bos = -1  # it ends turns too, so there are many
        self._fault_of = lru_cache(maxsize=4096)(self._role_fault)
        self._pattern = control_pattern(opened.control)

    def check(self) -> None:
        """Hold some clean dialogues against the template rendered and encoded as a whole.

        Raises:
            ModelError: the ids differ, so that training would not see what is served.
        """
        whole = Tokenizer.from_str(self._asked.tokenizer.json)
        for probe in PROBES:
            roles, texts = (tuple(each) for each in zip(*probe, strict=True))
            dialogue = Dialogue("", roles, texts, frozenset())
            messages = [{"role": role, "content": text} for role, text in probe]
            expected = whole.encode(self.layout.render(messages), add_special_tokens=False).ids
            found = np.concatenate(self._lay(dialogue, len(roles), {}).arrays).tolist()
            if found != expected:
                raise ModelError(
                    f"the tokenizer joins text over the control tokens of the template "
                    f"{self._asked.tokenizer.template.name}: {len(found)} ids apart, "
                    f"{len(expected)} together; choose another tokenize.template"
                )

    def encode(self, rows: pa.RecordBatch) -> Encoded:
        """Return the tokens of some rows, and why the others have none.

        Raises:
            AccountingError: what is learned is not, byte for byte, what the assistant says.
        """
        dialogues = read_dialogues(rows)
        has_control = self._has_control(rows)
        known = self._encode_texts(d for d in dialogues if self._fault_of(d.roles) is None)
        places: list[int] = []
        laid: list[_Laid] = []
        rejections: list[Rejection] = []
        for place, dialogue in enumerate(dialogues):
            found = self._lay_or_refuse(dialogue, known, has_control=place in has_control)
            if isinstance(found, Refused):
                rejections.append(rejection(dialogue, rows, place, found))
            else:
                places.append(place)
                laid.append(found)
        batch = self._columns(rows.take(pa.array(places, pa.int64())), laid)
        kept = [dialogues[place] for place in places]
        dropped = [each.dropped for each in laid]
        notes = {
            "assistant turns decoded and found equal": check_mask(
                batch, kept, self.layout.frame, self._spelling
            ),
            "tokens": sum(each.n_tokens for each in laid),
            "supervised tokens": sum(batch.column("n_supervised").to_pylist()),
            "dialogues shortened by whole turns": sum(n > 0 for n in dropped),
            "turns dropped": sum(dropped),
            "dialogues with a control token written out": len(has_control & {*places}),
        }
        return Encoded(batch=batch, rejections=rejections, notes=notes)

    def _role_fault(self, roles: tuple[str, ...]) -> Refused | None:
        fault = role_fault(roles)
        if fault or self._bos < 0:
            return fault
        fixed = [piece.ids for piece in self.layout.plan(roles) if piece.ids is not None]
        n_bos = sum(int((ids == self._bos).sum()) for ids in fixed)
        return Refused("two_bos", f"the template begins it {n_bos} times") if n_bos > 1 else None

    def _has_control(self, rows: pa.RecordBatch) -> set[int]:
        """Return the places of the rows in whose texts a control token is written out."""
        messages = rows.column("messages")
        hits = pc.match_substring_regex(messages.values.field("content"), self._pattern)
        at = np.flatnonzero(hits.to_numpy(zero_copy_only=False))
        return {*(np.searchsorted(messages.offsets.to_numpy(), at, side="right") - 1).tolist()}

    def _encode_texts(self, dialogues: Iterable[Dialogue]) -> dict[str, Ids]:
        """Return the ids of all texts of some dialogues; what others say is kept for later."""
        once: list[str] = []
        again: list[str] = []
        for dialogue in dialogues:
            for piece in self.layout.plan(dialogue.roles):
                if piece.ids is None:
                    (once if piece.turn >= 0 else again).append(_text(piece, dialogue))
        known = self._texts.encode([*once, *again])
        self._texts.keep(known, again)
        return known

    def _lay_or_refuse(
        self, dialogue: Dialogue, known: dict[str, Ids], *, has_control: bool
    ) -> _Laid | Refused:
        fault = self._fault_of(dialogue.roles) or text_fault(dialogue)
        if fault:
            return fault
        if has_control and self._asked.control_text is ControlText.reject:
            return Refused("control_text", "a control token is written in it")
        laid = self._lay(dialogue, len(dialogue.roles), known)
        most = self._asked.max_length
        n_tokens = laid.n_tokens
        if not laid.is_sound:
            return Refused("unknown_token", "the tokenizer has no token for a character of it")
        if n_tokens > most:
            if self._asked.overlong is Overlong.reject:
                return Refused("too_long", f"{n_tokens:,} tokens; at most {most:,} are taken")
            shortened = self._shorten(dialogue, known)
            if shortened is None:
                return Refused(
                    "too_long",
                    f"{n_tokens:,} tokens; with the first turn to be learned alone more than "
                    f"{most:,}",
                )
            laid = shortened
        return laid

    def _shorten(self, dialogue: Dialogue, known: dict[str, Ids]) -> _Laid | None:
        """Drop whole turns at the end until it fits; None if nothing to be learned is left."""
        # Each message takes a token at least.
        roles = dialogue.roles[: self._asked.max_length]
        ends = [n + 1 for n, role in enumerate(roles) if role == Role.assistant]
        best: _Laid | None = None
        low, high = 0, len(ends)
        while low < high:  # the longest that fits: lengths grow with the number of turns
            middle = (low + high) // 2
            laid = self._lay(dialogue, ends[middle], known)
            if laid.n_tokens <= self._asked.max_length:
                best, low = laid, middle + 1
            else:
                high = middle
        return best if best is not None and any(best.is_learned) else None

    def _lay(self, dialogue: Dialogue, n_messages: int, known: dict[str, Ids]) -> _Laid:
        """Lay out the first messages of a dialogue."""
        arrays: list[Ids] = []
        is_learned: list[bool] = []
        is_sound = True
        for piece in self.layout.plan(dialogue.roles[:n_messages]):
            ids = piece.ids
            if ids is None:
                text = _text(piece, dialogue)
                if text not in known:
                    known[text] = self._texts.one(text)
                ids = known[text]
                is_sound = is_sound and text not in self._texts.faulty
            arrays.append(ids)
            is_learned.append(piece.turn >= 0 and piece.turn not in dialogue.untrained)
        return _Laid(arrays, is_learned, len(dialogue.roles) - n_messages, is_sound)

    def _columns(self, rows: pa.RecordBatch, laid: Sequence[_Laid]) -> pa.RecordBatch:
        """Return the rows of `Tokens`."""
        arrays = [array for each in laid for array in each.arrays]
        learned = np.array([flag for each in laid for flag in each.is_learned], np.bool_)
        lengths = np.array([len(array) for array in arrays], np.int64)
        ids = np.concatenate([np.empty(0, np.int32), *arrays])
        labels = np.where(np.repeat(learned, lengths), ids, np.int32(UNLEARNED))
        bounds = np.zeros(len(laid) + 1, np.int32)
        np.cumsum([each.n_tokens for each in laid], out=bounds[1:])
        n_learned = np.concatenate([[0], np.cumsum(labels != UNLEARNED)])
        opened = self._asked.tokenizer
        row_ids = rows.column("id").to_pylist()
        names = (opened.version, opened.template.version)
        columns = {
            **{name: rows.column(taken) for name, taken in TAKEN.items()},
            "tokenizer": pa.array([names[0]] * len(laid), pa.string()),
            "template": pa.array([names[1]] * len(laid), pa.string()),
            "turn": pa.array([-1] * len(laid), pa.int64()),
            "dropped_turns": pa.array([each.dropped for each in laid], pa.int64()),
            "n_supervised": pa.array(np.diff(n_learned[bounds]), pa.int64()),
            "input_ids": pa.ListArray.from_arrays(pa.array(bounds), pa.array(ids)),
            "labels": pa.ListArray.from_arrays(pa.array(bounds), pa.array(labels)),
            "id": pa.array([content_id("tokens", row, *names) for row in row_ids], pa.string()),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)


def _text(piece: Piece, dialogue: Dialogue) -> str:
    """Return the text of a piece, with what the messages say in their places."""
    if len(piece.text) == 1 and isinstance(piece.text[0], int):
        return dialogue.texts[piece.text[0]]
    return "".join([dialogue.texts[p] if isinstance(p, int) else p for p in piece.text])


def control_pattern(tokens: Iterable[str]) -> str:
    """Return the expression that finds control tokens in a text, as Arrow reads it."""
    # Arrow's expressions know no escaped space.
    return "|".join(re.escape(token).replace("\\ ", " ") for token in tokens)
