"""Comparing what W&B keeps: wandb's own client asks a server over HTTP."""

import json

import pytest
import wandb

from opencharacter.compare.recorded import COLUMNS, about_of, rows_of, system_of
from opencharacter.compare.systems import systems_of
from opencharacter.tracking import read_reports
from tests.compare.played import results
from tests.stages.evaluated import write_run
from tests.wandb_server import ENTITY, KEY, KeptRun, keeping

COMPARE = ("stage=compare", "compare.source=wandb", f"project={ENTITY}/p", "compare.runs=[a,b]")


def kept(run, better=0.0, created="2026-03-01T00:00:00Z", **given):
    """Return what W&B keeps of a report."""
    found = results(16, run=run, values=lambda n, v: v + better + (0.01 * n if better else 0))
    [system] = systems_of([found], [])
    table = json.dumps({"columns": [*COLUMNS], "data": rows_of(system)}).encode()
    config = {"system": json.loads(json.dumps(about_of(system)))}
    return KeptRun(
        **{"group": run, "created": created, "config": config, "tables": {"items": table}, **given}
    )


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Return a function that points wandb to a server; it reads that once in a process."""
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)

    def served(server):
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        wandb.teardown()
        return server

    yield served
    wandb.teardown()


def test_two_runs_are_compared_as_folders_would_be(served, opencharacter, tmp_path):
    with keeping(kept("a"), kept("b", better=0.5)) as server:
        served(server)
        done = opencharacter(*COMPARE)

    assert done.returncode == 0, done.stderr
    assert "b plays unseen characters better than a by 0.58 points" in done.stdout
    assert not (tmp_path / "artifacts").exists()  # wandb would keep its downloads here


def test_of_two_reports_of_one_name_the_newest_is_read_and_that_is_told(
    served, opencharacter, caplog
):
    old = kept("b", better=2.0, created="2026-02-01T00:00:00Z")
    unfinished = kept("b", better=3.0, created="2026-04-01T00:00:00Z", state="crashed")
    with keeping(kept("a"), old, kept("b", better=0.5), unfinished) as server:
        served(server)
        done = opencharacter(*COMPARE)

    assert "b plays unseen characters better than a by 0.58 points" in done.stdout
    assert "has 2 finished reports of 'b'; read is that of 2026-03-01" in caplog.text


def test_a_report_that_was_sent_there_is_what_a_comparison_reads(served, opencharacter, tmp_path):
    write_run(tmp_path / "runs", results(16, run="t"))
    with keeping() as server:
        served(server)
        done = opencharacter("stage=report", "tracking=wandb", "project=p")
        wandb.teardown()  # its process sends the rest
    assert done.returncode == 0, done.stderr

    config = json.loads(server.upserted[0]["config"])["system"]["value"]
    assert server.upserted[0]["jobType"] == "report"
    sent = server.put["artifact/items.table.json"]
    again = KeptRun(group="t", created="2026-05-01T00:00:00Z", config={"system": config})
    again.tables["items"] = sent
    with keeping(again) as server:
        served(server)
        [read] = read_reports(f"{ENTITY}/p", ["t"])
    [system] = systems_of([results(16, run="t")], [])
    assert system_of("t", read.about, read.table).cells == system.cells


NO_TABLE: dict = {"tables": {}}
OTHER_TABLE = {"tables": {"mine": b"{}"}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param({"group": "c"}, "has no finished report of 'b' with its table", id="no run"),
        pytest.param(NO_TABLE, "has no finished report of 'b' with its table", id="no table"),
        pytest.param(OTHER_TABLE, "has no finished report of 'b' with its table", id="other table"),
        pytest.param({"state": "running"}, "has no finished report of 'b'", id="not finished"),
        pytest.param({"config": {"system": {"run": "b"}}}, "stage=report tracking=wandb", id="old"),
        pytest.param({"tables": {"items": b"<html>"}}, "cannot give the reports", id="no JSON"),
        pytest.param({"tables": {"items": b"{}"}}, "write it again with this version", id="empty"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(served, opencharacter, given, told):
    with keeping(kept("a"), kept("b", **given)) as server:
        served(server)
        done = opencharacter(*COMPARE)

    assert done.returncode == 2
    assert told in done.stderr


def test_a_project_that_is_not_there_is_told(served, opencharacter):
    with keeping(kept("a"), kept("b")) as server:
        served(server)
        done = opencharacter(*COMPARE, f"project={ENTITY}/q")

    assert (done.returncode, "Could not find project q; check project=" in done.stderr) == (2, True)


def test_a_key_that_the_server_does_not_know_is_told(served, opencharacter, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    with keeping(kept("a"), kept("b")) as server:
        served(server)
        done = opencharacter(*COMPARE)

    assert (done.returncode, "W&B cannot give the reports" in done.stderr) == (2, True)
    assert set(server.asked) == {"Viewer"}


@pytest.mark.parametrize("moment", ["Runs", "file"])
def test_a_server_that_dies_midway_ends_the_command_in_one_line(served, start_process, moment):
    with keeping(kept("a"), kept("b")) as server:
        server.dies_at = moment
        process = start_process(*COMPARE, WANDB_BASE_URL=server.address, WANDB_HTTP_TIMEOUT="3")
        _, complaint = process.communicate(timeout=60)

    assert process.returncode == 2, complaint
    assert "error: W&B cannot give the reports of lab/p: " in complaint.splitlines()[-1]
    assert "Traceback" not in complaint
