"""The rows of `stage=tokenize` on disk as a trainer reads them: at random, without loading them.

Token ids and labels of all rows stand one after another in two flat files of int32, mapped into
memory: a rank holds 8 bytes a row and what it is just reading, whatever the size of the mixture.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from datasets import Dataset

from opencharacter.errors import TrainingError
from opencharacter.ids import shuffled
from opencharacter.store.files import whole_file
from opencharacter.store.rows import part_files, read_batches

IGNORED = -100
"""Label of a token that is not learned."""

_IDS, _LABELS = "input_ids", "labels"
_IDS_AT_ONCE = 16_000_000
_LOOKED_AT = 1_000  # rows
_ABOUT = ("id", "character_id", "instruction_id", "n_supervised", "turn")


class Row(NamedTuple):
    """What is known of a training dialogue besides its tokens."""

    id: str
    character_id: str
    """Empty = a general dialogue."""
    instruction_id: str
    n_supervised: int
    """Labels that are not -100."""
    start: int
    """Of its first token in the files."""
    length: int
    """Tokens: of an encoder-decoder model's row what is read and what is said together."""
    n_said: int = 0
    """Of them, what the decoder says; 0 = a causal model's row."""
    said_at: int = 0
    """Of the first of these in the file of labels."""

    @property
    def read(self) -> tuple[int, int]:
        """Where its ids begin and end."""
        return self.start, self.start + self.length - self.n_said

    @property
    def learned(self) -> tuple[int, int]:
        """Where its labels begin and end."""
        return (self.said_at, self.said_at + self.n_said) if self.n_said else self.read


class TokenRows:
    """Rows in an order that hangs on their ids alone, with their tokens mapped into memory."""

    def __init__(self, rows: Sequence[Row], folder: Path) -> None:
        """Open the files of a folder that `write_tokens` wrote."""
        self.rows = rows
        self._folder = folder
        self._ids = np.memmap(folder / _IDS, dtype=np.int32, mode="r")
        self._labels = np.memmap(folder / _LABELS, dtype=np.int32, mode="r")

    def example(self, numbers: Sequence[int], *, is_packed: bool) -> dict[str, Any]:
        """Return rows one after another as TRL's collator takes them.

        Args:
            numbers: Of the rows.
            is_packed: Say where each row ends, in `seq_lengths`.
        """
        rows = [self.rows[n] for n in numbers]
        joined: dict[str, Any] = {
            name: np.concatenate([flat[start:end] for start, end in spans]).astype(np.int64)
            for name, flat, spans in (
                (_IDS, self._ids, [row.read for row in rows]),
                (_LABELS, self._labels, [row.learned for row in rows]),
            )
        }
        return joined | ({"seq_lengths": [row.length for row in rows]} if is_packed else {})

    def used_ids(self) -> set[int]:
        """Return every token that occurs."""
        found: set[int] = set()
        for flat in (self._ids, self._labels):
            for start in range(0, len(flat), _IDS_AT_ONCE):
                found |= set(np.unique(flat[start : start + _IDS_AT_ONCE]).tolist())
        return found - {IGNORED}

    def filler(self, *, is_packed: bool) -> dict[str, Any]:
        """Return an example of two tokens of which nothing is learned; otherwise as `example`."""
        ids = np.asarray(self._ids[:2], dtype=np.int64)
        filled: dict[str, Any] = {_IDS: ids, _LABELS: np.full_like(ids, IGNORED)}
        return filled | ({"seq_lengths": [len(ids)]} if is_packed else {})

    def dataset(
        self, packs: Sequence[Sequence[int]], *, is_packed: bool, fillers: int = 0
    ) -> Dataset:
        """Return packs of rows as a data set whose examples are put together when they are read.

        Args:
            packs: Numbers of the rows of each example.
            is_packed: Say where each row ends, in `seq_lengths`.
            fillers: Examples after them of which nothing is learned.
        """

        def make(numbers: Sequence[int]) -> dict[str, Any]:
            if not numbers:
                return self.filler(is_packed=is_packed)
            return self.example(numbers, is_packed=is_packed)

        def put_together(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
            examples = [make(numbers) for numbers in batch["rows"]]
            return {name: [each[name] for each in examples] for name in examples[0]}

        made = Dataset.from_dict({"rows": [*map(list, packs), *([] for _ in range(fillers))]})
        made.set_transform(put_together)
        return made


def write_tokens(data: Path, folder: Path) -> None:
    """Write the ids and labels of a stage's rows as flat files, whole or not at all.

    Args:
        data: Of `stage=tokenize`.
        folder: Where the files go.

    Raises:
        StoreError: a part is damaged, or the disk is full.
    """
    for name in (_IDS, _LABELS):
        with whole_file(folder / name) as temporary, temporary.open("wb") as file:
            for batch in read_batches(part_files(data), [name]):
                values = pc.list_flatten(batch.column(name))
                values.to_numpy(zero_copy_only=False).astype(np.int32).tofile(file)


def open_tokens(data: Path, folder: Path, *, seed: int) -> TokenRows:
    """Open what `write_tokens` wrote, in an order by the hash of the rows' ids.

    Args:
        data: Of `stage=tokenize`.
        folder: Of the flat files.
        seed: Of the order.
    """
    rows = read_rows(data)
    by_id = {row.id: row for row in rows}
    return TokenRows([by_id[id_] for id_ in shuffled(by_id, "train", seed)], folder)


def read_rows(data: Path) -> list[Row]:
    """Read what is known of the rows besides their tokens.

    Raises:
        StoreError: a part is damaged.
    """
    rows: list[Row] = []
    start = said_at = 0
    for batch in read_batches(part_files(data), [*_ABOUT, _IDS]):
        lengths: npt.NDArray[Any] = pc.list_value_length(batch.column(_IDS)).to_numpy()
        known = zip(*(batch.column(name).to_pylist() for name in _ABOUT), strict=True)
        for (*about, turn), n_read in zip(known, lengths.tolist(), strict=True):
            n_said = about[-1] if turn >= 0 else 0  # all that a decoder says is learned
            rows.append(Row._make([*about, start, n_read + n_said, n_said, said_at]))
            start, said_at = start + n_read, said_at + n_said
    return rows


def check_lengths(rows: Iterable[Row], max_length: int) -> None:
    """See to it that no row would be cut: what is cut off ends in no stop token.

    Raises:
        TrainingError: a row is longer than `max_length`.
    """
    longest = max(rows, key=lambda row: row.length)
    if longest.length > max_length:
        raise TrainingError(
            f"row {longest.id} has {longest.length:,} tokens, more than train.max_length="
            f"{max_length:,}; raise that, or tokenize with tokenize.max_length={max_length}"
        )


def stop_token(rows: TokenRows, tokenizer: Any) -> int:
    """Return the token that every supervised turn ends with: what the model learns to stop at.

    The tokenizer of an encoder-decoder model is told that this is its end, if it names another.

    Raises:
        TrainingError: turns end differently, or with an ordinary token: a model trained on them
            would talk on.
    """
    ends: Counter[int] = Counter()
    for number in range(min(_LOOKED_AT, len(rows.rows))):
        labels = rows.example([number], is_packed=False)[_LABELS]
        is_end = (labels != IGNORED) & (np.append(labels[1:], IGNORED) == IGNORED)
        ends.update(labels[is_end].tolist())
    is_pairs = bool(rows.rows[0].n_said)
    special = {*tokenizer.all_special_ids}
    if is_pairs:  # FRED-T5's `</s>` is a token of its own, and its tokenizer's end another one
        special |= {n for n, token in tokenizer.added_tokens_decoder.items() if token.special}
    if len(ends) == 1 and (stop := next(iter(ends))) in special:
        if is_pairs and stop != tokenizer.eos_token_id:
            tokenizer.eos_token = tokenizer.convert_ids_to_tokens(stop)
        return stop
    told = ", ".join(
        f"{tokenizer.convert_ids_to_tokens(id_)!r} ({n})" for id_, n in ends.most_common(3)
    )
    raise TrainingError(
        f"supervised turns end with {told or 'nothing'} where one control token should stand: the "
        "model would not learn to stop; choose another tokenize.template"
    )
