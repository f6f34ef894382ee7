import json
import tracemalloc

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencharacter.errors import SourceError
from opencharacter.records import Rejection
from opencharacter.sources.lines import Row
from opencharacter.sources.rows import open_source


def read(path, text_key="text"):
    source = open_source(str(path), "personas.jsonl")
    return [row for file in source.files for row in file.rows(text_key)]


@pytest.fixture
def write(tmp_path):
    def _write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return _write


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"a": ', "broken_json"),
        (b"[" * 90_000, "broken_json"),
        (b"9" * 5000, "broken_json"),
        (b'["a"]', "wrong_type"),
        (b'{"a": "' + b"x" * 1_000_000 + b'"}', "line_too_long"),
    ],
    ids=["bytes", "surrogate", "cut", "deep", "digits", "list", "long"],
)
def test_a_bad_line_costs_one_line(write, line, reason):
    rows = read(write("a.jsonl", b'{"a": 1}\n' + line + b"\n" + b'{"a": 2}'))

    assert [rows[0].value, rows[2].value] == [{"a": 1}, {"a": 2}]
    assert (rows[1].reason, rows[1].origin) == (reason, "a.jsonl:2")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_of_a_million_bytes_is_read_and_one_more_is_not(write, end):
    longest = b'{"a": "' + b"x" * (1_000_000 - 9) + b'"}'
    (row,) = read(write("a.jsonl", longest + end))
    (rejection,) = read(write("b.jsonl", b" " + longest[:-2] + b'x"}' + end))

    assert len(row.value["a"]) == 999_991
    assert (rejection.reason, rejection.detail[:15]) == ("line_too_long", "1,000,001 bytes")


def test_a_long_line_is_never_held_in_memory(write):
    path = write("a.jsonl", b"x" * 20_000_000 + b"\n{}\n")
    tracemalloc.start()
    rejection, row = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert rejection.detail.startswith("20,000,000 bytes")
    assert row.number == 2
    assert peak < 6_000_000


def test_blank_lines_are_no_rows_but_count_as_lines_and_a_mark_of_order_is_skipped(write):
    rows = read(write("a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n  \n\n{"a": 2}'))

    assert [(row.number, row.place, row.value["a"]) for row in rows] == [
        (1, "a.jsonl:1", 1),
        (4, "a.jsonl:4", 2),
    ]


@pytest.mark.parametrize("depth", [300, 900, 940, 960, 980, 1000, 3000])
def test_deep_nesting_is_a_rejection_and_never_a_crash(write, depth):
    (row,) = read(write("a.jsonl", b"[" * depth + b"]" * depth))

    assert row.reason in ("wrong_type", "broken_json")


def test_plain_lines_become_rows_under_the_key_asked_for(write):
    rows = read(write("a.txt", b"A cook\r\n\nA judge\n"), text_key="bio")

    assert [row.value for row in rows] == [{"bio": "A cook"}, {"bio": "A judge"}]


def test_a_json_list_is_read_entry_by_entry(write):
    rows = read(write("a.json", b'\xef\xbb\xbf[\n {"a": 1},\n 3,\n {"a": [2, "]"]}\n]\n'))

    assert [row.value for row in rows if not isinstance(row, Rejection)] == [
        {"a": 1},
        {"a": [2, "]"]},
    ]
    assert (rows[1].reason, rows[1].origin) == ("wrong_type", "a.json:3#2")
    assert rows[2].place == "a.json:4#3"


def test_a_json_list_of_many_megabytes_is_never_held_in_memory(write):
    values = [{"a": index, "é": "ü" * 500 + "\\" * 9} for index in range(8_000)]
    path = write("a.json", json.dumps(values, ensure_ascii=False, indent=1).encode())
    source = open_source(str(path), "personas.jsonl")
    tracemalloc.start()
    rows = source.files[0].rows()
    same = [
        isinstance(row, Row) and row.value == value for row, value in zip(rows, values, strict=True)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert all(same)
    assert peak < 4_000_000 < path.stat().st_size


def test_an_entry_with_invalid_bytes_does_not_spoil_the_list(write):
    rows = read(write("a.json", b'[{"a": "\xff"}, {"a": "b"}]'))

    assert rows[0].value == {"a": "\udcff"}
    assert rows[1].value == {"a": "b"}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b'[\n{"a": 1},\n{"a" 2}]', "line 3, column 6"),
        (b'[\n{"a": 1}\n{"a": 2}]', "line 3, column 1"),
        (b'[{"a": 1},\n{"a": "x', "line 2, column 7"),
        (b'[{"a": 1},\n', "line 2, column 1"),
        (b'[{"a": 1}]\n x', "line 2, column 2"),
        (b'[{"a": 1},\n\n' + b'{"b": 1} ' * 100_000, "line 3, column 10"),
    ],
)
def test_a_broken_list_names_the_line(write, data, where):
    with pytest.raises(SourceError, match=rf"a\.json is broken JSON at {where}:"):
        read(write("a.json", data))


def test_the_column_is_right_in_a_line_longer_than_what_is_read_at_once(write):
    whole = b"[" + b'{"a": "%s"}, ' % (b"x" * 300_000) * 3

    with pytest.raises(SourceError, match="line 1, column 900,035: Expecting value;"):
        read(write("a.json", whole + b"oops]"))


def test_json_lines_called_json_are_read(write):
    rows = read(write("a.json", b'{"a": oops}\n{"a": 2}\n'))

    assert (rows[0].reason, rows[1].value) == ("broken_json", {"a": 2})


def test_one_object_over_many_lines_is_refused(write):
    with pytest.raises(SourceError, match="neither a JSON list nor JSON lines"):
        read(write("a.json", b'{\n "data": []\n}'))


def test_parquet_rows_are_read_and_one_with_invalid_utf8_is_rejected(tmp_path):
    offsets = pyarrow.array([0, 2, 4, 6], pyarrow.int32()).buffers()[1]
    texts = pyarrow.StringArray.from_buffers(3, offsets, pyarrow.py_buffer(b"ab\xff\xfecd"))
    pyarrow.parquet.write_table(pyarrow.table({"a": texts}), tmp_path / "a.parquet")
    rows = read(tmp_path / "a.parquet")

    assert [rows[0].value, rows[2].value] == [{"a": "ab"}, {"a": "cd"}]
    assert (rows[1].reason, rows[1].origin) == ("invalid_utf8", "a.parquet#2")


def test_a_file_that_only_claims_to_be_parquet_is_refused(write):
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read as Parquet"):
        read(write("a.parquet", b"PAR1 not really"))


def test_a_folder_is_its_known_files_in_sorted_order(write, tmp_path):
    write("b.txt", b"second\n")
    write("a.jsonl", b'{"text": "first"}\n')
    write(".hidden.jsonl", b"{}\n")
    write("README.md", b"no rows\n")
    rows = read(tmp_path)

    assert [row.value["text"] for row in rows] == ["first", "second"]
    assert rows[1].place == f"{tmp_path.name}/b.txt:1"


def test_the_folder_of_a_stage_is_the_rows_in_its_data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "part.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "started.json").write_text("{\n}")

    (row,) = read(tmp_path)

    assert row == Row(1, f"{tmp_path.name}/part.jsonl:1", {"a": 1})


def test_a_file_in_a_folder_that_holds_no_rows_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{\n}")

    with pytest.raises(SourceError, match=rf"^{tmp_path}/a\.json is neither"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.jsonl", "there is no"),
        ("a.jsonl.gz", "is compressed; unpack it"),
        ("a.csv", r"ends in none of \.json, \.jsonl, \.parquet, \.txt"),
        ("bare", r"holds none of \.json, \.jsonl, \.parquet, \.txt"),
        ("x" * 300, "cannot open"),
    ],
)
def test_a_path_without_rows_says_what_was_looked_for(tmp_path, path, message):
    for name in ("a.csv", "a.jsonl.gz"):
        (tmp_path / name).write_text("a\n", encoding="utf-8")
    (tmp_path / "bare").mkdir()

    with pytest.raises(SourceError, match=message):
        open_source(str(tmp_path / path), "personas.jsonl")


@pytest.mark.parametrize("path", ["", "/dev/null", "hub:name", "hub:/name", "hub:a/b@", "a\0b"])
def test_what_cannot_be_a_source_is_refused(path):
    with pytest.raises(SourceError):
        open_source(path, "personas.jsonl")


def test_a_hub_path_names_the_set_and_its_configuration():
    source = open_source("hub:owner/name:elite", "personas.jsonl", revision="v1")

    assert (source.name, source.files[0].hub) == ("owner/name:elite", ("owner/name", "elite", "v1"))


@pytest.mark.parametrize(
    ("path", "hub"),
    [
        ("hub:owner/name@abc123", ("owner/name", None, "abc123")),
        ("hub:owner/name:elite@v2.1", ("owner/name", "elite", "v2.1")),
    ],
)
def test_a_hub_path_may_pin_a_revision_and_keeps_its_name(path, hub):
    source = open_source(path, "instructions.jsonl", revision="other")

    assert (f"hub:{source.name}", source.files[0].hub) == (path.partition("@")[0], hub)


@given(
    lines=st.lists(st.binary(max_size=9).filter(lambda b: b"\n" not in b)), size=st.integers(3, 40)
)
def test_ranges_that_lie_side_by_side_have_each_line_once(tmp_path_factory, lines, size):
    path = tmp_path_factory.mktemp("ranges") / "p.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    [file] = open_source(str(path), "personas.jsonl").files
    found = [file.read_range(start, start + size) for start in range(0, file.size(), size)]

    blocks = [lines.block + b"\n" for lines in found if lines]
    assert b"".join(blocks) == path.read_bytes().removeprefix(b"\xef\xbb\xbf")


def test_of_a_line_that_is_too_long_a_range_holds_the_beginning(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"first\n" + b"x" * 5_000_000 + b"\nlast\n")
    [file] = open_source(str(path), "personas.jsonl").files
    first, inside, last = (
        file.read_range(*r) for r in ((0, 9), (9, 5_000_006), (5_000_006, 5_000_020))
    )

    assert (first.block[:8], len(first.block) + first.n_more) == (b"first\nxx", 5_000_006)
    assert len(first.block) < 1_100_000
    assert inside is None
    assert last == (b"last", 0)
