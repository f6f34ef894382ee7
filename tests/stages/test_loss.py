"""The stage that measures given answers: in the books, resumed, and shown by reports."""

import json

import pytest

from opencharacter.compare.results import LOSS_FACT
from opencharacter.job.losses import loss_facts
from opencharacter.records import Loss
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_records
from opencharacter.store.stage import StageFolder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "t" / "loss"


def rows_of(folder):
    return sorted(read_records(folder / "data", Loss), key=lambda row: row.id)


def test_every_dialogue_is_measured_and_the_mean_is_told(opencharacter, folder):
    done = opencharacter("stage=loss")
    rows = rows_of(folder)

    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "loss.json").read_text())
    mean = sum(row.nats for row in rows) / sum(len(row.losses) for row in rows)
    assert len(rows) == told["losses"][0]["nats"]["clusters"] == 32
    assert told["losses"][0]["nats"]["value"] == pytest.approx(mean)
    assert f"{mean:.4f} [" in done.stdout
    assert "general_answers@" in done.stdout
    again = opencharacter("stage=loss")
    assert "loss: already finished" in again.stderr
    assert again.stdout == done.stdout


def test_what_was_measured_before_a_kill_is_not_asked_again(opencharacter, folder):
    assert opencharacter("stage=loss", "loss.n=9").returncode == 0
    before = rows_of(folder)
    logs = {path: path.read_bytes() for path in (folder / "completions").iterdir()}
    (folder / "manifest.json").unlink()
    (folder / "loss.json").unlink()
    for part in (folder / "data").iterdir():
        part.unlink()

    assert opencharacter("stage=loss", "loss.n=9").returncode == 0
    assert rows_of(folder) == before
    assert {path: path.read_bytes() for path in (folder / "completions").iterdir()} == logs
    assert (folder / "loss.json").exists()


def test_parts_change_no_row(opencharacter, folder, tmp_path):
    assert opencharacter("stage=loss").returncode == 0
    assert opencharacter("stage=loss", "run=cut", "parts=5").returncode == 0

    cut = tmp_path / "runs" / "cut" / "loss"
    assert len(list((cut / "data").iterdir())) == 5
    assert rows_of(cut) == rows_of(folder)


def test_rows_that_cannot_be_measured_are_rejections_and_counts_close(
    opencharacter, folder, tmp_path
):
    good = [{"conversations": [f"Say {n}.", str(n)]} for n in range(9)]
    long = {"conversations": ["Say it all.", "word " * 99]}
    path = tmp_path / "mine.jsonl"
    lines = [json.dumps(row) for row in [*good, long, {"conversations": ["Say d."]}]]
    path.write_text("\n".join([*lines, "{torn"]) + "\n")
    words = ("stage=loss", f"loss.path={path}", "player.max_length=50")
    done = opencharacter(*words, "loss.max_rejected=0.3")

    assert done.returncode == 0, done.stderr
    counts = json.loads((folder / "manifest.json").read_text())["counts"]
    assert (counts["in"], counts["out"]) == (12, 9)
    assert counts["rejected"] == {"too_long": 1, "no_answer": 1, "broken_json": 1}
    assert "mine@" in done.stdout
    too_many = opencharacter(*words, "run=u")
    assert (too_many.returncode, "max_rejected" in too_many.stderr) == (2, True)


def test_a_server_is_refused_before_anything_is_asked(opencharacter, folder):
    server = ("player.model=m", "player.base_url=http://localhost:9/v1")
    done = opencharacter("stage=loss", "llm@player=endpoint", *server)

    assert done.returncode == 2
    assert "a server tells no probabilities of a text that it did not write" in done.stderr
    assert not folder.exists()


def test_another_model_does_not_join_what_one_was_measured_on(opencharacter, folder):
    assert opencharacter("stage=loss").returncode == 0
    other = opencharacter("stage=loss", "player.model=other")

    assert other.returncode == 2
    assert "force=true" in other.stderr
    assert opencharacter("stage=loss", "player.model=other", "force=true").returncode == 0
    assert {row.model for row in rows_of(folder)} == {"other@scripted"}


def test_evaluating_retention_measures_it_and_the_report_shows_it(opencharacter, folder):
    done = opencharacter("stage=eval", "suite=retention")
    assert done.returncode == 0, done.stderr
    report = json.loads((folder.parent / "report" / "report.json").read_text())

    assert report["losses"][0]["nats"]["clusters"] == 32
    assert report["transcripts"] == 24
    assert LOSS_FACT not in report["facts"]
    assert "Loss on given answers" in (folder.parent / "report" / "report.html").read_text()


def test_a_report_without_it_says_how_it_is_measured_of_the_same_player(opencharacter, folder):
    for stage in ("play", "judge", "report"):
        assert opencharacter(f"stage={stage}", "suite=retention", "player.seats=3").returncode == 0
    text = (folder.parent / "report" / "report.md").read_text()
    command = "python -m opencharacter stage=loss suite=retention player.seats=3 run=t runs_dir="
    assert f"{LOSS_FACT}: not measured; this does it: {command}" in text

    assert opencharacter("stage=loss", "player.model=other").returncode == 0
    assert opencharacter("stage=report", "suite=retention").returncode == 0
    text = (folder.parent / "report" / "report.md").read_text()
    assert f"{LOSS_FACT}: none of this model" in text


def test_of_a_server_it_is_said_why_there_is_none(tmp_path):
    play = StageFolder(run_dir=tmp_path, stage="play")
    started = {"fingerprint": "0", "inputs": {}, "command": "x", "at": 0.0}
    settings = {"player": {"backend": "endpoint"}}
    write_json(play.path / "started.json", started | {"settings": settings})

    assert "a server tells no probabilities" in loss_facts(play, "retention@1", [])[LOSS_FACT]
    assert loss_facts(play, "persona_gym@1", []) == {}


def test_a_run_that_held_nothing_out_is_told(opencharacter, tmp_path):
    missing = opencharacter("stage=loss", "loss.run=nobody")

    assert (missing.returncode, "there is no run 'nobody'" in missing.stderr) == (2, True)
