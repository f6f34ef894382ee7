import json

import pyarrow.parquet
import pytest

from opencharacter.config import ExportConfig
from opencharacter.errors import ConfigError, StoreError
from opencharacter.mix.export import schema_of
from opencharacter.store.exports import push, write_export

LINEAGE = dict.fromkeys(schema_of("messages").names[1:], "x")
ALPACA = {"system": "s", "instruction": "q", "input": "", "output": "a", "history": []} | LINEAGE
LONGER = ALPACA | {"history": [["b", "c"]]}


def write(folder, rows, *, layout="alpaca", is_parquet=True, notes=None):
    about = {"counts": {"out": len(rows), "notes": notes or {}}, "licences": {"MIT": 1}}
    schema = schema_of(layout)
    return write_export(
        folder, rows, schema=schema, is_parquet=is_parquet, about=about, command="c"
    )


@pytest.mark.parametrize("is_parquet", [True, False])
def test_of_two_exports_in_a_row_the_second_is_loaded(tmp_path, is_parquet):
    load_dataset = pytest.importorskip("datasets").load_dataset
    for text in ("first", "second"):
        row = {"messages": [{"role": "user", "content": text}]} | LINEAGE
        write(tmp_path / "export", [row], layout="messages", is_parquet=is_parquet)
        loaded = load_dataset(str(tmp_path / "export"), cache_dir=str(tmp_path / "c"))["train"]
        assert loaded[0]["messages"] == row["messages"]


def test_parquet_has_its_schema_however_many_rows_come_without_a_history(tmp_path):
    path = write(tmp_path, [ALPACA] * 2_000 + [LONGER]).path

    table = pyarrow.parquet.read_table(path)
    assert table.schema.equals(schema_of("alpaca"))
    assert table["history"][2_000].as_py() == [["b", "c"]]


@pytest.mark.parametrize("is_parquet", [True, False])
def test_no_rows_are_a_file_without_rows(tmp_path, is_parquet):
    path = write(tmp_path, [], is_parquet=is_parquet).path

    assert not is_parquet or pyarrow.parquet.read_table(path).schema.equals(schema_of("alpaca"))
    assert is_parquet or path.read_text() == ""


def test_json_lines_load_where_more_rows_come_without_a_history_than_are_looked_at(tmp_path):
    load_dataset = pytest.importorskip("datasets").load_dataset
    long = ALPACA | {"system": "s" * 1_000_000}
    write(tmp_path / "export", [long] * 12 + [LONGER], is_parquet=False)

    loaded = load_dataset(str(tmp_path / "export"), cache_dir=str(tmp_path / "c"))["train"]

    assert [row["history"] for row in loaded][-2:] == [[], [["b", "c"]]]


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "alpaca"])
def test_the_card_has_the_types_as_datasets_writes_them(tmp_path, layout):
    datasets = pytest.importorskip("datasets")
    write(tmp_path, [], layout=layout)

    card = (tmp_path / "README.md").read_text()
    features = json.loads(card.split("features: ")[1].splitlines()[0])
    kinds = datasets.Features.from_arrow_schema(schema_of(layout))
    assert features == kinds._to_yaml_list()


def test_the_card_tells_replayed_rows_from_role_play(tmp_path):
    folder = tmp_path / "main" / "export" / "alpaca"
    write(folder, [ALPACA] * 12, notes={"replayed": 2})

    card = (folder / "README.md").read_text()
    assert "# main: 10 role-play dialogues, and 2 dialogues without a character\n" in card


def test_a_refused_push_says_what_to_do(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "c")
    write(tmp_path / "export", [ALPACA])

    with pytest.raises(StoreError, match=r"could not push .* to a/b/c: .*hf auth login"):
        push(tmp_path / "export", "a/b/c", is_private=True)


def test_a_push_without_a_network_says_what_to_do(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "c")
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    write(tmp_path / "export", [ALPACA])

    with pytest.raises(StoreError, match=r"could not push .* to a/b: .*refused.*hf auth login"):
        push(tmp_path / "export", "a/b", is_private=True)


@pytest.mark.parametrize("name", ["foo", "a/b/c", "a/", "https://huggingface.co/datasets/a/b"])
def test_what_is_no_name_of_a_data_set_is_refused_at_once(name):
    with pytest.raises(ConfigError, match=r"export\.push is .*; write owner/name"):
        ExportConfig(push=name)


def test_a_bug_in_a_push_keeps_its_traceback(tmp_path, monkeypatch):
    def broken(path, *, split):
        raise TypeError(path, split)

    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.load_dataset", broken)

    with pytest.raises(TypeError):
        push(tmp_path, "a/b", is_private=True)
