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
_ABOUT = ("id", "character_id", "instruction_id", "n_supervised")


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
    """Tokens."""


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
        spans = [(row.start, row.start + row.length) for row in (self.rows[n] for n in numbers)]
        joined: dict[str, Any] = {
            name: np.concatenate([flat[start:end] for start, end in spans]).astype(np.int64)
            for name, flat in ((_IDS, self._ids), (_LABELS, self._labels))
        }
        return joined | ({"seq_lengths": [b - a for a, b in spans]} if is_packed else {})

    def used_ids(self) -> set[int]:
        """Return every token that occurs."""
        found: set[int] = set()
        for start in range(0, len(self._ids), _IDS_AT_ONCE):
            found |= set(np.unique(self._ids[start : start + _IDS_AT_ONCE]).tolist())
        return found

    def dataset(self, packs: Sequence[Sequence[int]], *, is_packed: bool) -> Dataset:
        """Return packs of rows as a data set whose examples are put together when they are read."""

        def put_together(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
            examples = [self.example(numbers, is_packed=is_packed) for numbers in batch["rows"]]
            return {name: [each[name] for each in examples] for name in examples[0]}

        made = Dataset.from_dict({"rows": [list(pack) for pack in packs]})
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
    start = 0
    for batch in read_batches(part_files(data), [*_ABOUT, _IDS]):
        lengths: npt.NDArray[Any] = pc.list_value_length(batch.column(_IDS)).to_numpy()
        known = zip(*(batch.column(name).to_pylist() for name in _ABOUT), strict=True)
        for about, length in zip(known, lengths.tolist(), strict=True):
            rows.append(Row._make([*about, start, length]))
            start += length
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

    Raises:
        TrainingError: turns end differently, or with an ordinary token: a model trained on them
            would talk on.
    """
    ends: Counter[int] = Counter()
    for number in range(min(_LOOKED_AT, len(rows.rows))):
        labels = rows.example([number], is_packed=False)[_LABELS]
        is_end = (labels != IGNORED) & (np.append(labels[1:], IGNORED) == IGNORED)
        ends.update(labels[is_end].tolist())
    if len(ends) == 1 and (stop := next(iter(ends))) in tokenizer.all_special_ids:
        return stop
    told = ", ".join(
        f"{tokenizer.convert_ids_to_tokens(id_)!r} ({n})" for id_, n in ends.most_common(3)
    )
    raise TrainingError(
        f"supervised turns end with {told or 'nothing'} where one control token should stand: the "
        "model would not learn to stop; choose another tokenize.template"
    )
