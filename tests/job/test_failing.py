"""What is started over and fails before it has made anything is as it was before."""

from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from opencharacter.config import Config
from opencharacter.errors import ModelError, StoppedError, StoreError
from opencharacter.job import Job
from opencharacter.job.failing import put_back_on_failure
from opencharacter.llm.work import Plan
from opencharacter.records import Persona, Rejection
from opencharacter.store.aside import check_same
from opencharacter.store.claims import Claims, Part
from opencharacter.store.rows import part_files, write_records
from tests.store.test_starting import die, finished, start


def contents(folder):
    """Return all files of a stage, with what they hold, but for claims."""
    found = (path for path in folder.path.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if path.parent.name != "claims"}


def started_over(folder, doing):
    """Start it over, do something, and fail; return what is there then."""
    claims = Claims(folder.path / "claims", timeout_s=60)
    start(folder, 2, force=True, claims=claims)
    with suppress(ZeroDivisionError), put_back_on_failure(folder, claims):
        doing()
        raise ZeroDivisionError
    return contents(folder)


def test_what_is_started_over_and_fails_before_it_has_a_row_is_as_it_was(tmp_path, capsys):
    folder = replace(finished(tmp_path), beside=("items",))
    (folder.path / "items").mkdir()
    (folder.path / "items" / "a.parquet").write_text("of before")
    before = contents(folder)

    left_behind = Part(0, 1)  # rejections of a part that never became whole
    write = partial(write_records, folder.rejected_file(left_behind), Rejection, [])

    assert started_over(folder, write) == before
    assert capsys.readouterr().err == "s: what it was before is back in its place\n"


def test_what_is_started_over_and_fails_after_its_first_part_stays_the_new_one(tmp_path):
    folder = finished(tmp_path)
    started_over(folder, partial(write_records, folder.data_file(Part(0, 1)), Persona, []))

    assert folder.started()["settings"] == {"seed": 2}
    assert [path.name for path in part_files(folder.data)] == ["part-00000-of-00001.parquet"]


def test_a_second_start_after_a_kill_keeps_what_the_first_one_moved(tmp_path):
    folder = finished(tmp_path)
    before = contents(folder)
    start(folder, 2, force=True)
    die(folder)

    assert started_over(folder, lambda: None) == before


def test_a_process_that_works_on_what_was_started_over_closes_no_other_stage(tmp_path):
    folder = finished(tmp_path)
    fingerprint = start(folder, 2, force=True)
    die(folder)
    started_over(folder, lambda: None)  # by another process: seed 1 is back

    with pytest.raises(StoreError, match="was started with other settings while this command"):
        check_same(folder, fingerprint)


def test_a_bystander_that_fails_puts_nothing_back_and_who_moved_it_does(tmp_path):
    folder = finished(tmp_path)
    before = contents(folder)
    mine = Claims(folder.path / "claims", timeout_s=60)
    start(folder, 2, force=True, claims=mine)  # and opens its model

    bystander = Claims(folder.path / "claims", timeout_s=60)
    start(folder, 2, claims=bystander)
    with suppress(ZeroDivisionError), put_back_on_failure(folder, bystander):
        raise ZeroDivisionError
    assert folder.started()["settings"] == {"seed": 2}

    with suppress(ZeroDivisionError), put_back_on_failure(folder, mine):
        raise ZeroDivisionError
    assert contents(folder) == before


def test_a_command_without_force_that_goes_on_after_a_kill_leaves_the_new_start(tmp_path):
    folder = finished(tmp_path)
    start(folder, 2, force=True)
    die(folder)
    claims = Claims(folder.path / "claims", timeout_s=60)
    start(folder, 2, claims=claims)
    with suppress(StoppedError), put_back_on_failure(folder, claims):
        raise StoppedError("the same command goes on")

    start(folder, 2)  # it does


def refuse_to_open():
    raise ModelError("cannot open nosuch/model")


def test_a_stage_whose_model_cannot_open_loses_nothing_to_force(tmp_path):
    folder = finished(tmp_path / "r")
    before = contents(folder)
    plan = Plan(
        keys=lambda: ["one"], sessions=lambda _: iter(()), key_columns=("id",), record_type=Persona
    )
    config = Config(stage="s", run="r", runs_dir=str(tmp_path), force=True)

    with pytest.raises(ModelError), Job(config, command="c") as job, job.stage("s") as stage:
        stage.work(plan, refuse_to_open, what="", max_rejected=0, notes=dict)

    after = {path: held for path, held in contents(folder).items() if path.name != "work.json"}
    assert after == before
