"""Rows of a mixture as pairs for an encoder-decoder model: what is read, and the turn that answers.

Each turn of the assistant that is to be learned is a row of its own, with the system prompt and the
turns before it. What is too long to be read loses its oldest exchanges, never half a turn; an
answer that is too long is left out, for cut short it would teach to stop anywhere.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
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
from opencharacter.train.encoding import PROBES, TAKEN, Asked, Encoded, control_pattern
from opencharacter.train.jinja import ChatTemplate
from opencharacter.train.mask import Said, check_pairs
from opencharacter.train.plain import Plain
from opencharacter.train.texts import Ids, Texts, spelling

_SCHEMA = arrow_schema(Tokens)


class _Turn(NamedTuple):
    """A turn of the assistant, with what is read before it."""

    row: int
    """Place of its dialogue."""
    place: int
    """Of its message."""
    dropped: int = 0
    """Messages after the system prompt that are not read."""


class _Pair(NamedTuple):
    """A row of tokens."""

    turn: _Turn
    read: Ids
    said: Ids


class PairEncoder:
    """Encodes the rows of a mixture for an encoder and a decoder."""

    def __init__(self, asked: Asked, plain: Plain) -> None:
        """Build the tokenizer.

        Args:
            asked: What is made of the rows.
            plain: How a dialogue becomes text.
        """
        opened = asked.tokenizer
        self._asked, self._plain = asked, plain
        strange = [*opened.control.values()]
        self._reading = Texts(opened.json, strange=strange, is_first=not plain.before)
        self._saying = Texts(opened.json, strange=strange, is_first=not plain.begin)
        self._spelling = spelling(opened.json)
        self._before, self._after = self._ids(plain.before), self._ids(plain.after)
        self._begin, self._end = self._ids(plain.begin), self._ids([plain.end])
        self._pattern = control_pattern(opened.control)

    def check(self) -> None:
        """Hold some clean dialogues against the chat template that is saved with the model.

        Raises:
            ModelError: the ids differ, so that training would not see what is asked later.
        """
        opened = self._asked.tokenizer
        whole = Tokenizer.from_str(opened.json)
        template = ChatTemplate(opened.template.text, opened.names)
        for probe in PROBES:
            messages = [{"role": role, "content": text} for role, text in probe[:-1]]
            text = template.render(messages).text
            expected = whole.encode(text, add_special_tokens=False).ids
            body = self._reading.one(self._plain.text(*zip(*probe[:-1], strict=True)))
            found = np.concatenate([self._before, body, self._after]).tolist()
            if found != expected:
                raise ModelError(
                    f"the tokenizer joins text with the tokens around it: {len(found)} ids apart, "
                    f"{len(expected)} together; choose other lines in tokenize.plain"
                )

    def encode(self, rows: pa.RecordBatch) -> Encoded:
        """Return the tokens of the turns of some rows, and why others have none.

        Raises:
            AccountingError: what is read or learned is not, byte for byte, what the dialogue says.
        """
        dialogues = read_dialogues(rows)
        has_control = self._has_control(rows)
        rejections: list[Rejection] = []
        turns: list[_Turn] = []
        for row, dialogue in enumerate(dialogues):
            fault = role_fault(dialogue.roles) or text_fault(dialogue)
            if fault is None and row in has_control and self._is_strict:
                fault = Refused("control_text", "a control token is written in it")
            if fault is not None:
                rejections.append(rejection(dialogue, rows, row, fault))
            else:
                places = range(len(dialogue.roles))
                turns += [_Turn(row, place) for place in places if dialogue.is_learned(place)]
        pairs: list[_Pair] = []
        for found in self._pairs(turns, dialogues):
            if isinstance(found, _Pair):
                pairs.append(found)
            else:
                turn, fault = found
                one = rejection(dialogues[turn.row], rows, turn.row, fault)
                rejections.append(replace(one, key=f"{one.key}/{turn.place}"))
        batch = self._columns(rows, pairs)
        said = [self._said(pair.turn, dialogues[pair.turn.row]) for pair in pairs]
        equal = check_pairs(batch, said, self._spelling, self._around())
        return Encoded(batch=batch, rejections=rejections, notes=self._notes(pairs, equal))

    @property
    def _is_strict(self) -> bool:
        return self._asked.control_text is ControlText.reject

    def _ids(self, tokens: Sequence[str]) -> Ids:
        return np.array([self._asked.tokenizer.control[token] for token in tokens], np.int32)

    def _around(self) -> tuple[tuple[Ids, Ids], tuple[Ids, Ids]]:
        return (self._before, self._after), (self._begin, self._end)

    def _has_control(self, rows: pa.RecordBatch) -> set[int]:
        messages = rows.column("messages")
        hits = pc.match_substring_regex(messages.values.field("content"), self._pattern)
        at = np.flatnonzero(hits.to_numpy(zero_copy_only=False))
        return {*(np.searchsorted(messages.offsets.to_numpy(), at, side="right") - 1).tolist()}

    def _said(self, turn: _Turn, dialogue: Dialogue) -> Said:
        """Return what is read before a turn, and what it says."""
        first = int(dialogue.roles[0] == Role.system)
        kept = [*range(first), *range(first + turn.dropped, turn.place)]
        read = self._plain.text(
            [dialogue.roles[n] for n in kept], [dialogue.texts[n] for n in kept]
        )
        return Said(read, dialogue.texts[turn.place])

    def _pairs(
        self, turns: Sequence[_Turn], dialogues: Sequence[Dialogue]
    ) -> Iterator[_Pair | tuple[_Turn, Refused]]:
        """Yield the ids of each turn, or why it has none."""
        all_said = [self._said(turn, dialogues[turn.row]) for turn in turns]
        read = self._reading.encode(said.read for said in all_said)
        answers = self._saying.encode(said.answer for said in all_said)
        unread, unsaid = self._reading.faulty, self._saying.faulty
        for turn, said in zip(turns, all_said, strict=True):
            answer = np.concatenate([self._begin, answers[said.answer], self._end])
            most = self._asked.max_answer
            if said.read in unread or said.answer in unsaid:
                text = "the tokenizer has no token for a character of it"
                yield turn, Refused("unknown_token", f"message {turn.place} or before: {text}")
            elif len(answer) > most:
                text = f"{len(answer):,} tokens; at most {most:,} are taken"
                yield turn, Refused("answer_too_long", f"message {turn.place}: {text}")
            else:
                yield self._fitted(turn, dialogues[turn.row], read[said.read], answer)

    def _fitted(
        self, turn: _Turn, dialogue: Dialogue, body: Ids, answer: Ids
    ) -> _Pair | tuple[_Turn, Refused]:
        """Return a turn with as many of the exchanges before it as can be read."""
        most = self._asked.max_length - len(self._before) - len(self._after)
        first = int(dialogue.roles[0] == Role.system)
        length, droppable = len(body), (turn.place - 1 - first) // 2  # exchanges

        def read(n_dropped: int) -> Ids:
            shorter = turn._replace(dropped=2 * n_dropped)
            return self._reading.one(self._said(shorter, dialogue).read)

        if length > most and self._asked.overlong is Overlong.drop_turns:
            n_dropped = bisect_left(range(droppable), True, key=lambda n: len(read(n)) <= most)
            turn, body = turn._replace(dropped=2 * n_dropped), read(n_dropped)
        if len(body) > most:
            text = f"message {turn.place}: {length:,} tokens are read before it; at most {most:,}"
            return turn, Refused("too_long", f"{text} are taken, beside those around them")
        return _Pair(turn, np.concatenate([self._before, body, self._after]), answer)

    def _columns(self, rows: pa.RecordBatch, pairs: Sequence[_Pair]) -> pa.RecordBatch:
        """Return the rows of `Tokens`."""
        taken = rows.take(pa.array([pair.turn.row for pair in pairs], pa.int64()))
        opened = self._asked.tokenizer
        names = (opened.version, opened.template.version)
        row_ids = taken.column("id").to_pylist()
        ids = [
            content_id("tokens", row, *names, pair.turn.place)
            for row, pair in zip(row_ids, pairs, strict=True)
        ]
        columns = {
            **{name: taken.column(of) for name, of in TAKEN.items()},
            "tokenizer": pa.array([names[0]] * len(pairs), pa.string()),
            "template": pa.array([names[1]] * len(pairs), pa.string()),
            "turn": pa.array([pair.turn.place for pair in pairs], pa.int64()),
            "dropped_turns": pa.array([pair.turn.dropped for pair in pairs], pa.int64()),
            "n_supervised": pa.array([len(pair.said) for pair in pairs], pa.int64()),
            "input_ids": _lists([pair.read for pair in pairs]),
            "labels": _lists([pair.said for pair in pairs]),
            "id": pa.array(ids, pa.string()),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)

    def _notes(self, pairs: Sequence[_Pair], equal: int) -> dict[str, int]:
        dropped = [pair.turn.dropped for pair in pairs]
        return {
            "assistant turns decoded and found equal": equal,
            "dialogues": len({pair.turn.row for pair in pairs}),
            "tokens read": sum(len(pair.read) for pair in pairs),
            "supervised tokens": sum(len(pair.said) for pair in pairs),
            "turns read without their oldest exchanges": sum(n > 0 for n in dropped),
        }


def _lists(arrays: Sequence[Ids]) -> pa.ListArray:
    bounds = np.zeros(len(arrays) + 1, np.int32)
    np.cumsum([len(array) for array in arrays], out=bounds[1:])
    values = np.fromiter(chain.from_iterable(arrays), np.int32)
    return pa.ListArray.from_arrays(pa.array(bounds), pa.array(values))
