"""A stage starts once, goes on as it was started, and never mixes old rows with new settings."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from opencharacter.errors import StoreError
from opencharacter.records import Persona, Rejection, Split
from opencharacter.store.aside import forget, put_back
from opencharacter.store.claims import Claims, Part
from opencharacter.store.manifest import Counted, close_stage
from opencharacter.store.rows import part_files, read_columns, write_records
from opencharacter.store.stage import StageFolder, finished_input
from opencharacter.store.starting import begin, make_room, told_changes


def start(folder, seed, *, force=False, claims=None):
    return begin(
        folder,
        settings={"seed": seed},
        inputs={},
        command="python -m opencharacter stage=s run=r",
        force=force,
        claims=claims or Claims(folder.path / "claims", timeout_s=60),
    )


def die(folder):
    """Let go of the claims as a kill does."""
    shutil.rmtree(folder.path / "claims")


def is_refused(folder, seed):
    try:
        start(folder, seed)
    except StoreError:
        return True
    return False


def finished(run_dir):
    """Make a stage of two parts, each with a record and a rejection, started with seed 1."""
    folder = StageFolder(run_dir=run_dir, stage="s")
    fingerprint = start(folder, 1)
    for part in (Part(0, 2), Part(1, 2)):
        rejection = Rejection(key=part.name, reason="bad", detail="", origin="", excerpt="")
        persona = Persona(
            source="t", text=part.name, licence="l", split=Split.train, cluster="c", origin="o"
        )
        write_records(folder.rejected_file(part), Rejection, [rejection])
        write_records(folder.data_file(part), Persona, [persona])
    close_stage(folder, Counted(rows_in=4), fingerprint=fingerprint, about={})
    return folder


def test_the_same_settings_go_on_and_others_are_refused(tmp_path):
    folder = finished(tmp_path)

    assert start(folder, 1) == folder.manifest()["fingerprint"]
    with pytest.raises(StoreError, match=r"seed 1 -> 2\); start it over with: .* force=true"):
        start(folder, 2)


def anew(folder, settings, inputs):
    return make_room(
        folder,
        settings=settings,
        inputs=inputs,
        cheap=("bar", "judge-", "sources."),
        claims=Claims(folder.path / "claims", timeout_s=60),
        command="c",
    )


def test_what_is_cheap_is_made_anew_and_told(tmp_path):
    folder = finished(tmp_path)

    told = anew(folder, {"seed": 1, "bar": 0.5}, {"judge-b": "1"})

    assert told == "bar None -> 0.5; judge-b is read now and was not before"
    assert (folder.started(), part_files(folder.data)) == (None, [])


@pytest.mark.parametrize("settings", [{"seed": 1}, {"seed": 2, "bar": 0.5}])
def test_what_is_unchanged_or_not_cheap_stays(tmp_path, settings):
    folder = finished(tmp_path)

    assert anew(folder, settings, {}) == ""
    assert folder.manifest() is not None


def test_what_is_read_from_outside_may_come_with_a_setting_but_not_change(tmp_path):
    folder = finished(tmp_path)
    assert anew(folder, {"seed": 1, "sources": {"u/play": "1"}}, {})
    claims = Claims(folder.path / "claims", timeout_s=60)
    given = {"seed": 1, "sources": {"u/play": "1"}}
    begin(folder, settings=given, inputs={}, command="c", force=False, claims=claims)

    assert anew(folder, {"seed": 1, "sources": {"u/play": "2"}}, {}) == ""


def test_two_processes_make_room_once(tmp_path):
    folder, barrier = finished(tmp_path), Barrier(2)

    def go(_):
        barrier.wait()
        return anew(folder, {"seed": 1, "bar": 0.5}, {})

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(go, range(2)))

    assert sorted(map(bool, told)) == [False, True]


def test_force_forgets_rows_and_what_lies_beside_them_and_keeps_completions(tmp_path):
    folder = replace(finished(tmp_path), beside=("said.json", "items"))
    (folder.path / "said.json").write_text("{}")
    (folder.path / "items").mkdir()
    (folder.path / "notes.csv").write_text("of the user")
    folder.completions.mkdir()
    (folder.completions / "part-00000-of-00002.jsonl").write_text("{}\n")

    start(folder, 2, force=True)

    forget(folder)  # as soon as the new stage has rows
    left = {path.name for path in folder.path.iterdir() if path.name != "claims"}
    assert left == {"started.json", "completions", "notes.csv"}
    assert folder.started()["settings"] == {"seed": 2}


KILLED_IN_FORCE = """
import os, sys
from pathlib import Path
from opencharacter.store.claims import Claims
from opencharacter.store.stage import StageFolder
from opencharacter.store.starting import begin, told_changes

CHANGES = ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "shutil.rmtree")

def start_over(run_dir, steps):
    def kill(event, args):
        nonlocal steps
        if event in CHANGES:
            steps -= 1
            if steps < 0:
                os._exit(9)

    folder = StageFolder(run_dir=Path(run_dir), stage="s")
    claims = Claims(folder.path / "claims", timeout_s=60)
    sys.addaudithook(kill)
    begin(folder, settings={"seed": 2}, inputs={}, command="c", force=True, claims=claims)

for steps, run_dir in enumerate(sys.argv[1:]):
    child = os.fork()
    if not child:
        start_over(run_dir, steps)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_kill_at_any_step_of_force_leaves_no_old_rows_to_new_settings(tmp_path):
    folders = [finished(tmp_path / str(steps)) for steps in range(32)]
    command = [sys.executable, "-c", KILLED_IN_FORCE, *(folder.run_dir for folder in folders)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert ended == sorted(ended, reverse=True)
    assert ended.count("9") >= 10
    assert ended.count("0") >= 1
    for folder in folders:
        data, rejected = part_files(folder.data), part_files(folder.rejected)
        assert not (data or rejected) or is_refused(folder, 2)
        assert {path.name for path in data} <= {path.name for path in rejected}
        assert folder.manifest() is None or len(data) == 2


def test_of_two_forced_starts_at_once_the_second_is_refused_and_moves_nothing(tmp_path):
    folder = finished(tmp_path)
    start(folder, 2, force=True)  # by a process that lives
    kept = sorted((folder.path / ".old").rglob("*"))

    with pytest.raises(StoreError, match=r"cannot start .* is working on start; stop it"):
        start(folder, 3, force=True)

    assert sorted((folder.path / ".old").rglob("*")) == kept
    assert folder.started()["settings"] == {"seed": 2}


@pytest.mark.parametrize("moved", [("manifest.json",), ("manifest.json", "data", "rejected")])
def test_what_a_killed_move_left_aside_goes_back_with_the_rest(tmp_path, moved):
    folder = finished(tmp_path)
    before = {path.name: path.stat().st_ino for path in folder.path.rglob("*") if path.is_file()}
    (folder.path / ".old").mkdir()
    for name in moved:
        (folder.path / name).rename(folder.path / ".old" / name)
    claims = Claims(folder.path / "claims", timeout_s=60)

    start(folder, 2, force=True, claims=claims)
    assert put_back(folder, claims)

    claims.release("start")
    after = {path.name: path.stat().st_ino for path in folder.path.rglob("*") if path.is_file()}
    assert after == before


def test_what_a_killed_return_left_aside_is_kept_by_the_next_start(tmp_path):
    folder = finished(tmp_path)
    start(folder, 2, force=True)
    die(folder)
    (folder.path / ".old" / "started.json").replace(folder.started_file)  # goes back first
    write_records(folder.rejected_file(Part(0, 2)), Rejection, [])  # of one that went on

    start(folder, 2, force=True)

    assert len(part_files(folder.path / ".old" / "data")) == 2
    rejected = part_files(folder.path / ".old" / "rejected")
    assert len(list(read_columns(rejected, ["key"]))) == 2


def test_a_kill_while_it_is_removed_leaves_nothing_that_counts_as_a_whole_stage(tmp_path):
    folder = finished(tmp_path)
    claims = Claims(folder.path / "claims", timeout_s=60)
    start(folder, 2, force=True, claims=claims)
    gone = folder.path / ".gone-1"
    (folder.path / ".old").rename(gone)
    shutil.rmtree(gone / "data")  # and is killed

    assert not put_back(folder, claims)
    forget(folder)
    assert not gone.exists()


def test_rows_that_cannot_be_removed_are_an_error_and_stay_with_their_settings(tmp_path):
    folder = finished(tmp_path)
    (folder.path / ".old").write_text("in the way")

    with pytest.raises(StoreError, match=r"cannot start .*/s over: .*/s/.old.*; mend that"):
        start(folder, 2, force=True)

    assert is_refused(folder, 2)
    assert not is_refused(folder, 1)


def test_rows_behind_a_link_are_not_taken_for_new_ones(tmp_path):
    folder = finished(tmp_path)
    scratch = folder.data.rename(tmp_path / "scratch")
    folder.data.symlink_to(scratch)

    start(folder, 2, force=True)

    assert part_files(folder.data) == []
    assert len(part_files(scratch)) == 2


def start_at_once(barrier, folder, seed):
    barrier.wait()
    return is_refused(folder, seed)


def test_of_two_first_starts_with_different_settings_one_is_refused(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        for attempt in range(20):
            barrier = Barrier(2)
            folder = StageFolder(run_dir=tmp_path / str(attempt), stage="s")
            starts = [pool.submit(start_at_once, barrier, folder, seed) for seed in (1, 2)]

            assert sorted(started.result() for started in starts) == [False, True]


def test_an_unfinished_input_names_its_command(tmp_path):
    start(StageFolder(run_dir=tmp_path, stage="s"), 1)

    with pytest.raises(StoreError, match=r"is unfinished; first run: .* stage=s run=r"):
        finished_input(tmp_path, "s", run="r")


def test_a_stage_that_was_never_run_is_made_with_the_words_of_the_one_that_reads_it(tmp_path):
    words = f"runs_dir={tmp_path} model=m run=r"
    command = f"python -m opencharacter stage=t t.check=true force=true {words}"

    with pytest.raises(StoreError) as told:
        finished_input(tmp_path / "r", "s", run="r", typed=command)

    assert str(told.value).endswith(f"first run: python -m opencharacter stage=s {words}")


@pytest.mark.parametrize("typed", ["", "not a command"])
def test_the_command_of_another_run_names_where_it_is(tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    command = "first run: python -m opencharacter stage=s run=r"

    with pytest.raises(StoreError, match=rf"{command} runs_dir={tmp_path}$"):
        finished_input(tmp_path / "r", "s", run="r", typed=typed)
    with pytest.raises(StoreError, match=rf"{command}$"):
        finished_input(Path("runs/r"), "s", run="r", typed=typed)


def test_the_command_of_a_run_that_was_moved_is_for_where_it_is_now(tmp_path):
    start(StageFolder(run_dir=tmp_path / "moved", stage="s"), 1)  # as run=r of ./runs

    with pytest.raises(StoreError, match=rf"stage=s run=moved runs_dir={tmp_path}$"):
        finished_input(tmp_path / "moved", "s", run="moved")


def test_of_a_command_of_several_stages_the_one_that_differs_is_started_over(tmp_path):
    folder, typed = StageFolder(run_dir=tmp_path / "r", stage="s"), "python -m opencharacter"

    def begin_all(folder, seed, inputs):
        return begin(
            folder,
            settings={"seed": seed},
            inputs=inputs,
            command=f"{typed} stage=all run=r",
            force=False,
            claims=Claims(folder.path / "claims", timeout_s=60),
        )

    begin_all(folder, 1, {"before": "x"})
    first = replace(folder, stage="judge-a")
    begin_all(first, 1, {})

    with pytest.raises(StoreError, match=rf"with: {typed} stage=s run=r force=true, then give"):
        begin_all(folder, 2, {"before": "x"})
    with pytest.raises(StoreError, match=rf"with: {typed} stage=all run=r force=true, or choose"):
        begin_all(first, 2, {})  # all the others follow from it
    with pytest.raises(StoreError, match=rf"with: {typed} stage=judge run=r force=true, then give"):
        begin_all(first, 2, {"before": "x"})


def test_a_change_is_told_once_and_an_input_that_was_not_read_is_no_other_one():
    was = {"tokenize": {"max_length": 1024}, "versions": {"max_length": "1024", "template": "a"}}
    now = {"tokenize": {"max_length": 512}, "versions": {"max_length": "512", "template": "b"}}

    told = told_changes({"settings": was, "inputs": {"a": "1"}}, now, {"a": "2", "mix": "3"})

    assert told == (
        "tokenize.max_length 1024 -> 512; template a -> b; the output of a is another one; "
        "mix is read now and was not before"
    )
