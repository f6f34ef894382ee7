"""Reports on W&B, which keeps them on this disk here."""

import json

import pytest

from opencharacter.compare.recorded import COLUMNS, about_of, rows_of, system_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareConfig
from opencharacter.job.comparing import write_comparison
from tests.compare.played import results
from tests.stages.evaluated import write_run


@pytest.fixture(autouse=True)
def _without_a_key(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name))


def test_the_table_that_wandb_keeps_is_read_back(opencharacter, tmp_path):
    given = results(6, run="t")
    write_run(tmp_path / "runs", given)

    done = opencharacter("stage=report", "tracking=wandb")

    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "t" / "wandb"
    [kept] = folder.glob("offline-run-*/files/media/table/items_*.table.json")
    system = systems_of([given], [])[0]
    read = system_of("t", about_of(system), json.loads(kept.read_text()))
    assert read.cells == system.cells


def test_comparing_on_wandb_without_a_key_says_what_to_do(opencharacter):
    done = opencharacter("stage=compare", "compare.runs=[a,b]", "compare.source=wandb")

    assert (done.returncode, "wandb login" in done.stderr) == (2, True)


def test_runs_that_wandb_kept_are_compared_without_transcripts(tmp_path, capsys):
    runs = [results(16, run="a"), results(16, run="b", values=lambda n, v: v + 0.5 + 0.01 * n)]
    kept = []
    for system in systems_of(runs, []):
        table = {"columns": [*COLUMNS], "data": rows_of(system)}
        kept.append(system_of(system.run, json.loads(json.dumps(about_of(system))), table))
    write_comparison(tmp_path, kept, [], CompareConfig())

    assert (
        "b plays unseen characters better than a by 0.58 points (95% interval +0."
        in capsys.readouterr().out
    )
    assert '<ol id="list">' in (tmp_path / "compare.html").read_text()
