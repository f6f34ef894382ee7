"""A whole mixture to tokens, in one process and in several."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("transformers")

from opencharacter.config import ControlText, Overlong
from opencharacter.errors import SourceError
from opencharacter.sources.rows import Tally
from opencharacter.train import tokens
from opencharacter.train.encoding import Asked
from opencharacter.train.tokens import token_rows
from tests.train.vocabularies import embedded, mixture, opened

ASKED = Asked(opened(embedded()), 64, Overlong.drop_turns, ControlText.keep)


@pytest.fixture
def mixed(tmp_path):
    """Write 12 dialogues, each in a row group of its own; the second is too long, the third bad."""
    rows = [[("user", f"Question {n}?"), ("assistant", f"Answer {n}.")] for n in range(12)]
    rows[1], rows[2] = [("user", "a " * 99), ("assistant", "b")], [("user", "Alone.")]
    table = pa.Table.from_batches([mixture(*rows)])
    pq.write_table(table, tmp_path / "part-00000-of-00001.parquet", row_group_size=1)
    return tmp_path


def made(folder, processes):
    tally = Tally()
    found = [*token_rows(folder, ASKED, processes=processes, tally=tally)]
    batches = [each.to_pylist() for each in found if isinstance(each, pa.RecordBatch)]
    others = [each for each in found if not isinstance(each, pa.RecordBatch)]
    return batches, others, (tally.rows, tally.notes)


def test_the_same_rows_come_out_in_the_same_order_of_any_number_of_processes(mixed):
    batches, rejections, counted = made(mixed, 1)

    assert [len(batch) for batch in batches] == [1] * 10
    assert [each.reason for each in rejections] == ["too_long", "no_supervised_token"]
    assert counted[0] == 12
    assert made(mixed, 2) == (batches, rejections, counted)


def test_a_process_starts_for_ten_thousand_rows_and_not_for_fewer(mixed, monkeypatch):
    def refuse(*_, **__):
        raise SourceError("started")

    monkeypatch.setattr(tokens, "in_processes", refuse)
    with pytest.raises(SourceError):
        made(mixed, 2)
    monkeypatch.setattr(tokens, "_GROUPS_EACH", 7)

    assert len(made(mixed, 8)[0]) == 10
