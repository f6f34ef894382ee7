"""Rows of a Parquet file; the home of pyarrow among the sources, imported late."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import Row, reject

_BATCH_ROWS = 1024


def read_parquet(path: Path, shown: str) -> Iterator[Row | Rejection]:
    """Read the rows, a batch of 1,024 in memory; those that hold invalid UTF-8 are rejected.

    Raises:
        SourceError: It is not a Parquet file, or is cut off.
    """
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=_BATCH_ROWS)
            for value in chain.from_iterable(map(_values, batches)):
                number += 1
                yield _row(value, number, f"{shown}#{number}")
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{shown} cannot be read as Parquet after row {number:,} ({reason}); make it again"
        ) from error


def _values(batch: pyarrow.RecordBatch) -> Iterator[dict[str, Any] | None]:
    """Return the rows of a batch as dictionaries, None for one that holds invalid UTF-8."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            yield _value(batch.slice(index, 1))


def _value(one: pyarrow.RecordBatch) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = one.to_pylist()[0]
    except UnicodeDecodeError:
        return None
    return value


def _row(value: dict[str, Any] | None, number: int, place: str) -> Row | Rejection:
    if value is None:
        return reject(place, "invalid_utf8", "a string of this row is not UTF-8")
    return Row(number, place, value)
