"""Records survive the way to Parquet and back; digests do not depend on parts."""

from dataclasses import replace
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opencharacter.errors import StoreError
from opencharacter.records import (
    Instruction,
    Message,
    Method,
    Persona,
    Role,
    Split,
    Tokens,
    to_row,
)
from opencharacter.store.rows import (
    PartWriter,
    arrow_schema,
    batch_digest,
    part_files,
    read_columns,
    read_footer,
    read_records,
    write_records,
)
from tests.disks import small_disk


def persona(text: str) -> Persona:
    return Persona(
        source="test",
        text=text,
        licence="unknown",
        split=Split.train,
        cluster="c",
        origin="test:1",
    )


INSTRUCTION = Instruction(
    source="test",
    messages=(Message(role=Role.user, content="Hi 👋"), Message(role=Role.user, content="مرحبا")),
    references=("Hello", "Привет"),
    licence="unknown",
    origin="test:1",
)


def test_records_come_back_as_they_were(tmp_path):
    write_records(tmp_path / "part-0.parquet", Instruction, [INSTRUCTION])

    assert list(read_records(tmp_path, Instruction)) == [INSTRUCTION]


def test_only_wanted_ids_are_read(tmp_path):
    people = [persona(f"p{number}") for number in range(5)]
    write_records(tmp_path / "part-0.parquet", Persona, people)

    found = list(read_records(tmp_path, Persona, keep=lambda id_: id_ == people[3].id))

    assert found == [people[3]]


def test_digest_is_the_same_for_any_order_and_number_of_parts(tmp_path):
    people = [persona(f"p{number}") for number in range(5)]
    write_records(tmp_path / "part-all.parquet", Persona, people)
    write_records(tmp_path / "part-a.parquet", Persona, people[3:])
    write_records(tmp_path / "part-b.parquet", Persona, reversed(people[:3]))

    whole, a, b = (read_footer(tmp_path / f"part-{n}.parquet") for n in ("all", "a", "b"))

    assert whole.digest == (a.digest + b.digest) % 2**128


def test_a_part_is_absent_until_it_is_whole(tmp_path):
    writer = PartWriter(tmp_path / "part-0.parquet", Persona)
    writer.write(persona("p"))

    assert part_files(tmp_path) == []

    writer.close()

    assert part_files(tmp_path) == [tmp_path / "part-0.parquet"]


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def broken():
        yield persona("p")
        raise RuntimeError("source broke")

    with pytest.raises(RuntimeError):
        write_records(tmp_path / "part-0.parquet", Persona, broken())

    assert list(tmp_path.iterdir()) == []


def test_columns_are_read_alone(tmp_path):
    write_records(tmp_path / "part-0.parquet", Persona, [persona("a"), persona("b")])

    assert list(read_columns(part_files(tmp_path), ["text"])) == [("a",), ("b",)]


def test_a_row_changed_by_hand_is_refused(tmp_path):
    path = tmp_path / "part-0.parquet"
    write_records(path, Persona, [persona("a")])
    table = pq.read_table(path)
    changed = table.set_column(table.column_names.index("text"), "text", [["b"]])
    pq.write_table(changed, path)

    with pytest.raises(StoreError, match="changed by hand"):
        list(read_records(tmp_path, Persona))


def test_a_part_written_before_a_field_was_there_has_its_default(tmp_path):
    write_records(tmp_path / "part-0.parquet", Instruction, [INSTRUCTION])
    old = pq.read_table(tmp_path / "part-0.parquet").drop_columns(["topic"])
    pq.write_table(old, tmp_path / "part-0.parquet")

    assert list(read_records(tmp_path, Instruction)) == [INSTRUCTION]


def tokens(number):
    return Tokens(
        row_id=f"row-{number}",
        character_id="c",
        instruction_id="i",
        persona_id="p",
        source="s",
        method=Method.generate,
        tokenizer="t",
        template="llama3@1",
        dropped_turns=0,
        n_supervised=1,
        input_ids=tuple(range(number)),
        labels=(-100,) * number,
    )


def as_batch(records):
    rows = [to_row(record) for record in records]
    [batch] = pa.Table.from_pylist(rows, schema=arrow_schema(Tokens)).combine_chunks().to_batches()
    return batch


def written_as(path, *batches):
    writer = PartWriter(path, Tokens)
    for batch in batches:
        writer.write_batch(batch)
    writer.close()
    return read_footer(path)


def test_batches_are_read_back_as_the_records_that_they_are(tmp_path):
    records = [tokens(number) for number in (3, 0, 5)]

    footer = written_as(tmp_path / "part-00000-of-00001.parquet", as_batch(records))

    assert footer.rows == 3
    assert list(read_records(tmp_path, Tokens)) == records


def test_the_digest_of_batches_hangs_on_rows_alone(tmp_path):
    batch = as_batch([tokens(number) for number in range(6)])

    whole = written_as(tmp_path / "a.parquet", batch)
    cut = written_as(tmp_path / "b.parquet", batch.slice(4), batch.slice(1, 3), batch.slice(0, 1))
    other = written_as(tmp_path / "c.parquet", as_batch([tokens(n) for n in (0, 1, 2, 3, 4, 6)]))

    assert whole == cut
    assert whole.digest != other.digest


def test_ids_moved_from_one_list_to_the_next_change_the_digest(tmp_path):
    row = tokens(2)
    moved = replace(row, input_ids=(0,), labels=(1, -100, -100))

    assert batch_digest(as_batch([row])) != batch_digest(as_batch([moved]))


def test_a_batch_of_other_columns_is_refused(tmp_path):
    writer = PartWriter(tmp_path / "a.parquet", Tokens)

    with pytest.raises(TypeError):
        writer.write_batch(as_batch([tokens(1)]).drop_columns(["labels"]))

    writer.discard()


def test_a_full_disk_is_told_though_batches_are_written_beside(tmp_path):
    with small_disk(tmp_path / "disk", "40k") as disk:
        writer = PartWriter(disk / "a.parquet", Tokens)
        ids = (*Random(0).randbytes(100_000),)
        batch = as_batch([replace(tokens(1), input_ids=ids)])
        writer.write_batch(batch)
        with pytest.raises(StoreError, match="full"):
            writer.write_batch(batch)
        writer.discard()

        assert list(disk.iterdir()) == []
