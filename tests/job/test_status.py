"""What is told of a stage that others work on: by `stage=status` and to W&B the same."""

import os
import re
import socket
import time
from dataclasses import asdict

import pytest

from opencharacter.job import showing
from opencharacter.job.replicas import Replicas
from opencharacter.job.showing import of_all, shower
from opencharacter.job.status import show_status, stage_status
from opencharacter.progress import Display, Progress
from opencharacter.records import Rejection
from opencharacter.store.claims import Part, start_time
from opencharacter.store.files import write_json
from opencharacter.store.reports import Report
from opencharacter.store.rows import PartWriter
from opencharacter.store.stage import StageFolder
from opencharacter.tracking import Tracker


@pytest.fixture
def folder(tmp_path):
    """Write a stage of 100 pieces: 3 rejected in a whole part, 17 in hand, one dead claim."""
    folder = StageFolder(run_dir=tmp_path, stage="profiles")
    started = {"fingerprint": "f", "settings": {}, "inputs": {}, "command": "", "at": 1.0}
    write_json(folder.started_file, started)
    write_json(folder.path / "work.json", {"records": 100})
    part = Part(0, 2)
    for path, reasons in (
        (folder.data_file(part), []),
        (folder.rejected_file(part), ["bad_age", "bad_age", "truncated"]),
    ):
        writer = PartWriter(path, Rejection)
        for number, reason in enumerate(reasons):
            writer.write(
                Rejection(key=f"{number}", reason=reason, detail="", origin="", excerpt="")
            )
        writer.close()
    dead = {"token": "t", "host": socket.gethostname(), "pid": 4194999, "started": "1"}
    write_json(folder.path / "claims" / "part-00001-of-00002.json", dead)
    report = Report(
        host=socket.gethostname(),
        pid=os.getpid(),
        started=start_time(os.getpid()),
        job="",
        at=time.time(),
        total=100,
        unsealed=17,
        records_per_s=4.0,
        output_tokens_per_s=900.0,
        output_tokens=5000,
        prompt_tokens=2000,
        cached_tokens=500,
    )
    write_json(folder.path / "progress" / "one.json", asdict(report))
    return folder


METRICS = {
    "done": 20.0,
    "total": 100.0,
    "records_per_s": 4.0,
    "output_tokens_per_s": 900.0,
    "prefix_cache_hit": 0.25,
    "seconds_left": 20.0,
    "processes": 1.0,
    "dead_claims": 1.0,
    "rejected": 3.0,
    "rejected/bad_age": 2.0,
    "rejected/truncated": 1.0,
}


def test_status_and_metrics_tell_the_same(folder):
    status = stage_status(folder, claim_timeout_s=600)
    shown = show_status([status])

    assert status.metrics == METRICS
    assert re.search(r"profiles +running +20 +100 +4.0 +900 +25% +20 s +1\n", shown)
    assert "rejected 3 (2 bad_age, 1 truncated)" in shown
    assert shown.count("which is gone") == 1


class Kept:
    """Stands where a W&B run would."""

    def __init__(self):
        self.rows = []

    def log(self, row):
        self.rows.append(row)


def test_wandb_is_told_all_that_status_shows_while_the_stage_runs(folder, monkeypatch):
    monkeypatch.setattr(showing, "EVERY_S", 0.0)
    kept = Kept()
    tracker = Tracker(kept, prefix="t", stage="profiles")
    replicas = Replicas("stage=profiles", logs=folder.path, starts_over=False)
    with Display("profiles", unit="records") as display:
        everybody = of_all(folder, claim_timeout_s=600)
        shower(display, tracker, replicas, everybody=everybody)(Progress(17, 3, 100, 0, 0, 0, 0))

    [row] = kept.rows
    assert {name: row.get(f"all/{name}") for name in METRICS} == METRICS


@pytest.mark.parametrize(("share", "again"), [(1e-9, False), (1e9, True)])
def test_looking_that_takes_long_is_done_less_often(folder, monkeypatch, share, again):
    monkeypatch.setattr(showing, "_LOOKING", share)
    everybody = of_all(folder, claim_timeout_s=600)

    assert everybody()
    time.sleep(0.01)
    assert bool(everybody()) is again
