"""A whole mixture to tokens: its row groups in turn, in one process or several."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from opencharacter.records import Rejection
from opencharacter.sources.processes import in_processes
from opencharacter.sources.rows import Tally
from opencharacter.store.damage import damage_told
from opencharacter.store.rows import part_files
from opencharacter.train.encoding import Asked, Encoded, Encoder
from opencharacter.train.pairs import PairEncoder

_BYTES_AT_ONCE = 2_500_000  # of a mixture's rows in memory: bounds what is made of them
_GROUPS_EACH = 5  # row groups that are worth the start of a process, which learns all words anew
_encoders: dict[str, Encoder | PairEncoder] = {}  # the one of a process that helps


class Task(NamedTuple):
    """Some rows of a mixture."""

    path: Path
    group: int
    """Number of the row group."""


def open_encoder(asked: Asked) -> Encoder | PairEncoder:
    """Return the encoder of a causal model's rows, or of an encoder-decoder's.

    Raises:
        ModelError: the template cannot be laid out.
    """
    plain = asked.tokenizer.plain
    return Encoder(asked) if plain is None else PairEncoder(asked, plain)


def token_rows(
    folder: Path, asked: Asked, *, processes: int, tally: Tally
) -> Iterator[pa.RecordBatch | Rejection]:
    """Yield the tokens of a mixture as batches of `Tokens`, and rejections, in its order.

    The same come out however many processes work.

    Args:
        folder: Data of the mixture.
        asked: What is made of it.
        processes: How many encode at most, each 10,000 rows or more; 1 = this one.
        tally: What is read is counted in it.

    Raises:
        AccountingError: what is learned is not what the assistant says.
        SourceError: a process was killed.
        StoreError: a part is damaged.
    """
    with closing(_all([*_tasks(folder)], asked, processes)) as groups:
        for encoded in chain.from_iterable(groups):
            tally.rows += encoded.batch.num_rows + len(encoded.rejections)
            for note, count in encoded.notes.items():
                tally.note(note, count)
            yield from encoded.rejections
            if encoded.batch.num_rows:
                yield encoded.batch


def encode_group(task: Task, encoder: Encoder | PairEncoder) -> list[Encoded]:
    """Encode the rows of one task.

    Raises:
        StoreError: the part is damaged.
    """
    with damage_told(task.path), pq.ParquetFile(task.path) as file:
        table = file.read_row_group(task.group)
    at_once = max(1, len(table) * _BYTES_AT_ONCE // max(1, table.nbytes))
    return [encoder.encode(batch) for batch in table.to_batches(max_chunksize=at_once)]


def _tasks(folder: Path) -> Iterator[Task]:
    for path in part_files(folder):
        with damage_told(path):
            groups = pq.read_metadata(path).num_row_groups
        yield from (Task(path, group) for group in range(groups))


def _all(tasks: Sequence[Task], asked: Asked, processes: int) -> Generator[list[Encoded]]:
    processes = min(processes, len(tasks) // _GROUPS_EACH)
    if processes < 2:
        encoder = open_encoder(asked)
        yield from (encode_group(task, encoder) for task in tasks)
        return
    yield from in_processes(
        _encode_group,
        tasks,
        processes,
        setting="tokenize.processes",
        prepare=partial(_prepare, asked),
    )


def _prepare(asked: Asked) -> None:
    _encoders["this"] = open_encoder(asked)


def _encode_group(task: Task) -> list[Encoded]:
    return encode_group(task, _encoders["this"])
