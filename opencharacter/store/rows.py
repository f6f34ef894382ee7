"""Records as Parquet: one file per part, zstd, written whole; read back as records or columns."""

import dataclasses
import hashlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from opencharacter.ids import canonical_json
from opencharacter.records import to_row
from opencharacter.store.damage import damage_told, damaged
from opencharacter.store.files import disk_errors, whole_file

Record = TypeVar("Record")

_DIGEST = b"opencharacter.digest"
_ROWS_AT_ONCE = 2_000  # rows turned into Arrow at a time: bounds memory


class PartWriter:
    """Writes records of one type to one Parquet file that appears when `close` is called."""

    def __init__(self, path: Path, record_type: type) -> None:
        """Prepare to write `path`; nothing is visible before `close`."""
        self._path = path
        self._schema = arrow_schema(record_type)
        self._rows: list[dict[str, Any]] = []
        self._digest = 0
        self._whole = whole_file(path)
        self._temporary = self._whole.__enter__()
        with disk_errors(path):
            self._file = self._temporary.open("wb")
        # Long lists of token ids take a third longer with dictionaries, and are hardly smaller.
        plain = [field.name for field in self._schema if field.type != pa.list_(pa.int32())]
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression="zstd",
            use_dictionary=plain if len(plain) < len(self._schema) else True,
        )
        self.rows = 0
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._written: Future[int] | None = None
        """The digest of what is being written beside this thread; the next batch waits for it."""

    def write(self, record: Any) -> None:
        """Add one record."""
        row = to_row(record)
        self._digest = (self._digest + row_digest(row)) % 2**128
        self._rows.append(row)
        self.rows += 1
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Add rows that are Arrow columns already, ids included; they become a row group.

        They are written beside what the caller does next: Arrow and hashing do not hold Python up.

        Raises:
            StoreError: the disk is full; the batch before it may be the one that was not written.
            TypeError: its columns are not those of the records.
        """
        if batch.schema != self._schema:
            raise TypeError(f"columns {batch.schema} are not {self._schema}")
        self.rows += batch.num_rows
        self._flush()
        self._written = self._beside.submit(self._write_batch, batch)

    def _write_batch(self, batch: pa.RecordBatch) -> int:
        self._writer.write_batch(batch)
        return batch_digest(batch)

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            StoreError: the disk is full; the part does not exist.
        """
        with disk_errors(self._path):
            self._flush()
            self._beside.shutdown()
            self._writer.add_key_value_metadata({_DIGEST: f"{self._digest:032x}"})
            self._writer.close()
            self._file.close()
        self._whole.__exit__(None, None, None)

    def discard(self) -> None:
        """Drop what was written; the part does not exist."""
        self._beside.shutdown()
        with suppress(OSError):  # on a full disk even closing may fail
            self._writer.close()
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        with disk_errors(self._path):
            if self._written is not None:
                self._digest = (self._digest + self._written.result()) % 2**128
                self._written = None
            if self._rows:
                self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
                self._rows.clear()


def write_records(path: Path, record_type: type, records: Iterable[Any]) -> int:
    """Write `records` as one part; return how many there were."""
    writer = PartWriter(path, record_type)
    try:
        for record in records:
            writer.write(record)
        writer.close()
    except BaseException:
        writer.discard()
        raise
    return writer.rows


class Footer(NamedTuple):
    """What a part's footer says."""

    rows: int
    digest: int
    """Sum of its rows' hashes modulo 2**128: of several parts, the sum of theirs."""


def read_footer(path: Path) -> Footer:
    """Read only the footer of a part.

    Raises:
        StoreError: the file is missing, damaged, or somebody else's.
    """
    with damage_told(path):
        metadata = pq.read_metadata(path)
    stored = (metadata.metadata or {}).get(_DIGEST)
    if stored is None:
        raise damaged(path, "it was not written by opencharacter")
    return Footer(metadata.num_rows, int(stored, 16))


def row_digest(row: dict[str, Any]) -> int:
    """Return 128 bits of a row's content; sums of them do not depend on order or on parts."""
    return int.from_bytes(hashlib.blake2b(canonical_json(row), digest_size=16).digest(), "big")


def batch_digest(batch: pa.RecordBatch) -> int:
    """Return the sum of 128 bits of each row's content, whatever batches rows are cut into.

    Lists of numbers are hashed as the bytes they are. So this is not the sum of `row_digest`s: a
    stage writes its rows in the one way or in the other.
    """
    is_numbers = [
        pa.types.is_list(field.type) and pa.types.is_integer(field.type.value_type)
        for field in batch.schema
    ]
    numbers = [c for c, is_list in zip(batch.columns, is_numbers, strict=True) if is_list]
    plain = [f.name for f, is_list in zip(batch.schema, is_numbers, strict=True) if not is_list]
    bounds = [column.offsets.to_numpy() for column in numbers]
    values = [column.values.to_numpy() for column in numbers]
    total = 0
    for index, row in enumerate(batch.select(plain).to_pylist()):
        hashed = hashlib.blake2b(canonical_json(row), digest_size=16)
        for bound, value in zip(bounds, values, strict=True):
            part = value[bound[index] : bound[index + 1]]
            hashed.update(f"/{len(part)}/".encode())
            hashed.update(part.tobytes())
        total += int.from_bytes(hashed.digest(), "big")
    return total % 2**128


def read_columns(
    parts: Iterable[Path], columns: Sequence[str], *, keep: Callable[[str], bool] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the named columns of the rows of some parts, in constant memory.

    Args:
        parts: Files.
        columns: A name such as `messages.list.element.role` reads only that field of a list of
            structures.
        keep: Of the ids, which to read; None = all. Needs the column `id`.

    Raises:
        StoreError: a part is missing or damaged, or lacks a column.
    """
    names = [column.partition(".")[0] for column in columns]
    for path in parts:
        if absent := {*names} - {*column_names(path)}:
            raise damaged(path, f"it has no column '{min(absent)}'")
        for batch in _batches(path, list(columns)):
            kept = _kept(batch, keep)
            yield from zip(*(kept.column(name).to_pylist() for name in names), strict=True)


def read_batches(parts: Iterable[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the named columns of the rows of some parts as Arrow, in constant memory.

    Raises:
        StoreError: a part is missing or damaged, or lacks a column.
    """
    for path in parts:
        if absent := {*columns} - {*column_names(path)}:
            raise damaged(path, f"it has no column '{min(absent)}'")
        yield from _batches(path, list(columns))


def column_names(path: Path) -> list[str]:
    """Return the columns of a part.

    Raises:
        StoreError: it is missing or damaged.
    """
    with damage_told(path):
        names: list[str] = pq.read_schema(path).names
    return names


def read_records(
    folder: Path, record_type: type[Record], *, keep: Callable[[str], bool] | None = None
) -> Iterator[Record]:
    """Yield the records of a folder's parts, in constant memory.

    Args:
        folder: A stage's `data` folder.
        record_type: What its rows are.
        keep: Of the ids, which to read; None = all.

    Raises:
        StoreError: a part is missing or damaged, its columns are those of something else, or a
            stored id is not the hash of its row: the file was changed by hand.
    """
    build: Callable[[dict[str, Any]], Any] = _dataclass_builder(record_type)
    for path in part_files(folder):
        with damage_told(path):
            schema = pq.read_schema(path)
        if unfit := _unfit(schema, record_type):
            raise damaged(path, f"it holds no {record_type.__name__}s: {unfit}")
        rows = (row for batch in _batches(path) for row in _kept(batch, keep).to_pylist())
        for row in rows:
            record = build(row)
            if "id" in row and record.id != row["id"]:
                raise damaged(path, f"row {row['id']} was changed by hand")
            yield record


def _batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part; None = all columns."""
    with damage_told(path), pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns)


def _unfit(stored: Any, hint: Any, name: str = "") -> str:
    """Say why stored values cannot be turned into what a record holds; empty if they can.

    Args:
        stored: A schema, or the type of a column.
        hint: The record's dataclass, or the type of one of its fields.
        name: Of the column.
    """
    if typing.get_origin(hint) is tuple and pa.types.is_list(stored):
        return _unfit(stored.value_type, typing.get_args(hint)[0], name)
    is_record = dataclasses.is_dataclass(hint) and isinstance(hint, type)
    if not is_record or not isinstance(stored, pa.Schema | pa.StructType):
        expected = arrow_schema(hint) if is_record else _arrow_type(hint)
        return "" if stored == expected else f"column '{name}' is of type {stored}"
    types_of = {field.name: field.type for field in stored}
    hints = typing.get_type_hints(hint, include_extras=True)
    for field in (each for each in dataclasses.fields(hint) if each.init):
        if field.name in types_of:
            if unfit := _unfit(types_of[field.name], hints[field.name], field.name):
                return unfit
        elif field.default is field.default_factory is dataclasses.MISSING:
            return f"it has no column '{field.name}'"
    return ""


def _kept(batch: pa.RecordBatch, keep: Callable[[str], bool] | None) -> pa.RecordBatch:
    """Return the rows of a batch whose id is wanted."""
    if keep is None:
        return batch
    return batch.filter(pa.array([keep(id_) for id_ in batch.column("id").to_pylist()]))


def part_files(folder: Path) -> list[Path]:
    """Return the whole parts of a folder, in order of name."""
    return sorted(folder.glob("part-*.parquet"))


def arrow_schema(record_type: type) -> pa.Schema:
    """Return the Arrow schema of a record's dataclass."""
    hints = typing.get_type_hints(record_type, include_extras=True)
    fields = dataclasses.fields(record_type)
    return pa.schema([pa.field(f.name, _arrow_type(hints[f.name])) for f in fields])


def _arrow_type(hint: Any) -> pa.DataType:
    simple = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    if hint in simple:
        return simple[hint]
    if typing.get_origin(hint) is Annotated:  # the name of an Arrow type, narrower than Python's
        return pa.type_for_alias(hint.__metadata__[0])
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return _arrow_type(inner[0])
    if typing.get_origin(hint) is tuple:
        return pa.list_(_arrow_type(typing.get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return pa.string()
    return pa.struct(list(arrow_schema(hint)))


@cache
def _builder(hint: Any) -> Callable[[Any], Any]:
    """Return the function that turns a stored value into what a record's field holds."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_builder(hint)
    if typing.get_origin(hint) is tuple:
        inner = _builder(typing.get_args(hint)[0])
        return lambda values: tuple(inner(value) for value in values)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return lambda value: value


def _dataclass_builder(record_type: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(record_type)
    names = [f.name for f in dataclasses.fields(record_type) if f.init]
    builders = [(name, _builder(hints[name])) for name in names]
    # A part written before a field was there lacks its column: the field's default holds.
    return lambda row: record_type(
        **{name: build(row[name]) for name, build in builders if name in row}
    )
