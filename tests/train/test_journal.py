"""What a training that was started over forgets, and when."""

from types import SimpleNamespace

import pytest

from opencharacter.job.training import Journal
from opencharacter.progress import Display
from opencharacter.store.aside import bytes_aside
from opencharacter.store.claims import Claims
from tests.store.test_starting import finished, start


@pytest.mark.parametrize(("steps", "is_kept"), [([0], True), ([0, 1], False)])
def test_what_was_trained_before_is_kept_until_a_first_step_fits(tmp_path, steps, is_kept):
    folder = finished(tmp_path)
    start(folder, 2, force=True, claims=Claims(folder.path / "claims", timeout_s=60))
    old = folder.path / ".old"
    size = sum(path.stat().st_size for path in old.rglob("*") if path.is_file())
    assert bytes_aside(folder) == size > 0

    with Display("train", unit="steps") as display:
        stage = SimpleNamespace(folder=folder, tracker=None)
        journal = Journal(stage, display, 2, begun=0)
        for step in steps:
            journal.report(step, {"loss": 1.0})

    assert old.exists() == is_kept
