import json
import subprocess
import sys
from time import monotonic, sleep

import pytest

from opencharacter.config import Tracking
from opencharacter.errors import ConfigError
from opencharacter.tracking import open_tracker, tracked_id

MANIFEST = {
    "stage": "profiles",
    "output": "0f3a",
    "inputs": {"personas": "77aa"},
    "fingerprint": "51be",
    "counts": {"in": 5, "out": 3, "rejected": {"bad_age": 1}, "not_drawn": 1},
    "usage": {"output_tokens": 4321},
    "seconds": 7.5,
    "command": "secret-looking",
}
STARTED = {"settings": {"profiles": {"retries": 4}}, "fingerprint": "51be", "at": 1700000000.25}


@pytest.fixture(autouse=True)
def _without_a_key(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    return folder


@pytest.fixture
def manifest(run_dir):
    path = run_dir / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    return path


def opened(run_dir, tracking=Tracking.wandb, *, stage="profiles"):
    return open_tracker(
        tracking, project="p", run="demo", stage=stage, run_dir=run_dir, started=STARTED
    )


def notices(caplog):
    return [record.getMessage() for record in caplog.records if "opencharacter" in record.name]


def read_when_it_holds(log, text):
    """Return the bytes of a log; a process of wandb's own writes it, a little later than we end."""
    end = monotonic() + 20
    while text not in log.read_bytes() and monotonic() < end:
        sleep(0.05)
    return log.read_bytes()


def logs(run_dir):
    return sorted((run_dir / "wandb").glob("offline-run-*/run-*.wandb"))


def test_tracking_none_writes_nothing(run_dir, manifest):
    tracker = opened(run_dir, Tracking.none)
    tracker.log({"done": 1.0}, 1)
    tracker.finish(manifest)
    tracker.close()

    assert list(run_dir.iterdir()) == [manifest]


def test_tracking_none_does_not_import_wandb():
    code = (
        "import sys, pathlib; from opencharacter.config import Tracking;"
        "from opencharacter.tracking import open_tracker;"
        "open_tracker(Tracking.none, project='p', run='r', stage='s',"
        " run_dir=pathlib.Path(), started={});"
        "sys.exit('wandb' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_a_key_metrics_settings_and_artifact_are_kept_offline(run_dir, manifest):
    tracker = opened(run_dir)
    tracker.log({"records_per_s": 12.5}, 10)
    tracker.finish(manifest)
    [log] = logs(run_dir)
    written = read_when_it_holds(log, b"demo-profiles")

    assert log.name == f"run-{tracked_id('p', 'demo', 'profiles', STARTED)}.wandb"
    for expected in (b"records_per_s", b"12.5", b"retries", b"demo/profiles", b"demo-profiles"):
        assert expected in written
    assert b"77aa" in written  # the input's fingerprint: offline there is no other link to it
    assert b"secret-looking" not in written


def test_the_final_counts_are_kept_even_of_a_stage_that_logged_nothing(run_dir, manifest):
    opened(run_dir).finish(manifest)
    [log] = logs(run_dir)
    written = read_when_it_holds(log, b"demo-profiles")

    for expected in (b"final/out", b"final/rejected/bad_age", b"final/output_tokens", b"4321"):
        assert expected in written


def test_what_a_later_process_logs_below_the_one_before_is_kept(run_dir, manifest):
    tracker = opened(run_dir)
    tracker.log({"records_per_s": 12.5}, 400)
    tracker.log({"records_per_s": 77.25}, 3)
    tracker.finish(manifest)
    [log] = logs(run_dir)
    written = read_when_it_holds(log, b"demo-profiles")

    assert b"12.5" in written
    assert b"77.25" in written
    assert b"records_done" in written


def test_going_offline_is_one_line_that_says_so(run_dir, caplog):
    opened(run_dir).close()

    [notice] = notices(caplog)
    assert "no key found, so demo/profiles is kept offline" in notice


def test_the_same_stage_goes_on_in_the_same_run_and_another_has_its_own(run_dir, manifest):
    ids = []
    for stage in ("profiles", "profiles", "generate"):
        tracker = opened(run_dir, stage=stage)
        ids.append(tracker.run.id)
        tracker.finish(manifest)

    assert ids[0] == ids[1] != ids[2]
    assert {log.name for log in logs(run_dir)} == {f"run-{id_}.wandb" for id_ in ids}


def test_an_id_is_short_and_plain_and_hangs_on_who_started_what_and_when():
    ids = {
        tracked_id("p", "é b", "s", STARTED),
        tracked_id("q", "é b", "s", STARTED),
        tracked_id("p", "a", "s", STARTED),
        tracked_id("p", "é b", "t", STARTED),
        tracked_id("p", "é b", "s", STARTED | {"at": 1700000000.5}),
        tracked_id("p", "é b", "s", STARTED | {"fingerprint": "77"}),
    }

    assert len(ids) == 6
    assert all(
        len(id_) <= 64 and set(id_) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for id_ in ids
    )


def test_the_wandb_mode_of_the_user_is_kept(run_dir, manifest, monkeypatch, caplog):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    tracker = opened(run_dir)
    tracker.log({"done": 1.0}, 1)
    tracker.finish(manifest)

    assert not logs(run_dir)
    assert notices(caplog) == []


@pytest.mark.parametrize("run", ["a/b", "naïve run", "x" * 300])
def test_any_run_name_makes_an_artifact_name(run, run_dir, manifest):
    tracker = open_tracker(
        Tracking.wandb, project="p", run=run, stage="mix", run_dir=run_dir, started=STARTED
    )
    tracker.finish(manifest)

    assert len(logs(run_dir)) == 1


def test_after_finishing_nothing_more_is_tracked_and_closing_is_harmless(run_dir, manifest):
    tracker = opened(run_dir)
    tracker.finish(manifest)
    tracker.log({"afterthought": 1.0}, 1)
    tracker.finish(manifest)
    tracker.close()

    assert tracker.run is None
    assert len(logs(run_dir)) == 1


def test_a_key_in_netrc_means_online(run_dir, tmp_path):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1:9 login user password {'0' * 40}\n")
    code = (
        "import sys, pathlib, wandb; from opencharacter import tracking;"
        "sys.exit(0 if tracking._has_key(wandb) else 3)"
    )
    environment = {"PATH": "", "NETRC": str(tmp_path / "netrc"), "HOME": str(tmp_path)}
    environment |= {"WANDB_BASE_URL": "http://127.0.0.1:9", "PYTHONPATH": ":".join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode

    assert found == 0


def test_without_wandb_installed_the_error_says_what_to_install(run_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"pip install 'opencharacter\[track\]'.*tracking=none"):
        opened(run_dir)
