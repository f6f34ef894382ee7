"""A stage closes only when every row is accounted for, once."""

import pytest

from opencharacter.errors import AccountingError
from opencharacter.records import Persona, Rejection, Split, Usage
from opencharacter.store.claims import Claims, Part
from opencharacter.store.manifest import Counted, check_all_done, close_stage
from opencharacter.store.rows import part_files, write_records
from opencharacter.store.stage import StageFolder
from opencharacter.store.starting import begin


def persona(text):
    return Persona(source="t", text=text, licence="l", split=Split.train, cluster="c", origin="o")


def rejection(key, reason="bad"):
    usage = Usage(prompt_tokens=7, calls=1)
    return Rejection(key=key, reason=reason, detail="", origin="", excerpt="", usage=usage)


@pytest.fixture
def folder(tmp_path):
    """Start a stage."""
    folder = StageFolder(run_dir=tmp_path, stage="s")
    claims = Claims(folder.path / "claims", timeout_s=60)
    begin(folder, settings={}, inputs={}, command="c", force=False, claims=claims)
    return folder


def write(folder, part, texts, rejected=()):
    write_records(folder.rejected_file(part), Rejection, rejected)
    write_records(folder.data_file(part), Persona, [persona(text) for text in texts])


def close(folder, **counted):
    return close_stage(folder, Counted(**counted), fingerprint="f", about={}, max_rejected=0.5)


def test_a_stage_closes_when_every_row_ended_somewhere(folder):
    write(folder, Part(0, 2), ["a", "b"], [rejection("x")])
    write(folder, Part(1, 2), ["c"], [rejection("y"), rejection("z", "worse")])

    counts = close(folder, rows_in=10, not_drawn=4)["counts"]

    assert (counts["in"], counts["out"], counts["not_drawn"]) == (10, 3, 4)
    assert counts["rejected"] == {"bad": 2, "worse": 1}
    assert folder.manifest()["counts"] == counts


@pytest.mark.parametrize("rows_in", [5, 3], ids=["lost", "too many"])
def test_a_row_lost_or_too_many_keeps_the_stage_open(folder, rows_in):
    write(folder, Part(0, 1), ["a", "b"], [rejection("x")])

    message = f"does not add up: {rows_in} rows in, 2 out, 1 rejected, 1 not drawn; start it over"
    with pytest.raises(AccountingError, match=message):
        close(folder, rows_in=rows_in, not_drawn=1)
    assert folder.manifest() is None


def test_a_record_in_two_parts_keeps_the_stage_open(folder):
    write(folder, Part(0, 2), ["a", "b"])
    write(folder, Part(1, 2), ["c", "b"])

    with pytest.raises(AccountingError, match="holds 1 records twice"):
        close(folder, rows_in=4)
    assert folder.manifest() is None


def test_too_many_rejections_keep_the_stage_open_and_name_the_reasons(folder):
    write(folder, Part(0, 1), ["a"], [rejection("x"), rejection("y", "worse"), rejection("z")])

    with pytest.raises(AccountingError, match=r"3 of 4 rows were .*=0\.5: 2 bad, 1 worse; look"):
        close(folder, rows_in=4)
    assert folder.manifest() is None


def test_rejections_of_a_part_that_a_kill_left_half_written_do_not_count(folder):
    empty = folder.rejected_file(Part(1, 3))  # its process may be alive
    write_records(folder.rejected_file(Part(0, 3)), Rejection, [rejection("x")])
    write_records(empty, Rejection, [])
    write(folder, Part(0, 1), ["a"], [rejection("x")])

    manifest = close(folder, rows_in=2)

    assert manifest["counts"]["rejected"] == {"bad": 1}
    assert manifest["usage"]["calls"] == 1
    assert part_files(folder.rejected) == [folder.rejected_file(Part(0, 1)), empty]


def test_work_that_did_not_end_is_named(folder):
    message = r"2 pieces of work, 1 ended, 1 missing \(first: \['b'\]\)"

    assert check_all_done(folder, ["a", "b"], {"b", "a"}) == 2
    with pytest.raises(AccountingError, match=message):
        check_all_done(folder, ["a", "b"], {"a"})


@pytest.mark.parametrize(
    ("done", "missing"), [({"a", "b", "x"}, 0), ({"a", "x"}, 1)], ids=["more", "instead"]
)
def test_rows_of_no_known_work_are_refused(folder, done, missing):
    with pytest.raises(AccountingError, match=f"2 pieces of work, .* {missing} missing"):
        check_all_done(folder, ["a", "b"], done)
