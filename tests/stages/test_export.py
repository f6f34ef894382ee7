import json

import pytest

from opencharacter.records import MixtureRow
from opencharacter.store.rows import read_records


@pytest.fixture
def mixed(opencharacter, tmp_path):
    assert opencharacter("stage=synth", "personas.licence=CC-BY-NC-4.0").returncode == 0
    assert opencharacter("stage=mix").returncode == 0
    return list(read_records(tmp_path / "runs" / "t" / "mix" / "data", MixtureRow))


def exported(tmp_path, layout="messages"):
    text = (tmp_path / "runs" / "t" / "export" / layout / "train.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_layout_holds_what_the_mixture_holds(opencharacter, tmp_path, mixed):
    said = {row.id: [m.content for m in row.messages] for row in mixed}

    for layout in ("messages", "sharegpt", "alpaca"):  # side by side
        assert opencharacter("stage=export", f"export.layout={layout}").returncode == 0
    for row in exported(tmp_path):
        assert [m["content"] for m in row["messages"]] == said[row["id"]]
    for row in exported(tmp_path, "sharegpt"):
        assert [m["value"] for m in row["conversations"]] == said[row["id"]]
        assert [m["from"] for m in row["conversations"][:3]] == ["system", "human", "gpt"]
    for row in exported(tmp_path, "alpaca"):
        before = [text for pair in row["history"] for text in pair]
        assert [row["system"], *before, row["instruction"], row["output"]] == said[row["id"]]
    assert len(exported(tmp_path)) == len(mixed)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_export_loads_as_a_data_set_with_the_strictest_licence(
    opencharacter, tmp_path, mixed, kind
):
    load_dataset = pytest.importorskip("datasets").load_dataset
    other = {"parquet": "jsonl", "jsonl": "parquet"}[kind]
    for each in (kind, other, kind):  # the last one stays alone
        done = opencharacter("stage=export", f"export.format={each}")
        assert done.returncode == 0

    assert f"train.{kind} (instead of train.{other})" in done.stdout
    folder = tmp_path / "runs" / "t" / "export" / "messages"
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / kind))["train"]

    assert loaded.num_rows == len(mixed)
    assert [m["content"] for m in loaded[0]["messages"]]
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", f"train.{kind}"]
    # The instructions' licence is not known, so the whole's is not.
    assert "license: unknown" in (folder / "README.md").read_text()


def test_without_a_mixture_the_error_names_the_command(opencharacter):
    done = opencharacter("stage=export")

    assert (done.returncode, "stage=mix" in done.stderr) == (2, True)


@pytest.mark.parametrize("layout", ["sharegpt", "alpaca"])
def test_our_exports_pass_our_own_linter(opencharacter, tmp_path, mixed, layout):
    assert opencharacter("stage=export", f"export.layout={layout}").returncode == 0
    path = tmp_path / "runs" / "t" / "export" / layout / "train.jsonl"

    done = opencharacter("stage=lint", f"lint.path={path}")

    for structural in ("no_alternation", "no_last_answer", "unknown_layout", "placeholder"):
        assert structural not in done.stdout
