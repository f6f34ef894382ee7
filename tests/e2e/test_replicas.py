"""Several processes on one run: replicas of one command, and parts given out by hand."""

import json

from opencharacter.records import Response
from opencharacter.store.rows import read_records


def test_replicas_share_the_work_and_start_stages_over_once(start_process, tmp_path):
    for more in ((), ("force=true", "generate.sampling.temperature=0.9")):
        process = start_process("stage=synth", "teacher.data_parallel=2", "parts=6", *more)
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint

    run = tmp_path / "runs" / "t"
    responses = list(read_records(run / "generate" / "data", Response))
    assert len({r.id for r in responses}) == len(responses) == 36
    assert {json.loads(r.call.sampling)["temperature"] for r in responses} == {0.9}
    assert (run / "replica-1.log").is_file()


def test_replicas_find_options_in_a_folder_of_ones_own(start_process, tmp_path):
    mine = tmp_path / "conf" / "llm" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("backend: scripted\nmodel: mine\ndata_parallel: 2\n")
    words = [f"--config-dir={tmp_path / 'conf'}", "llm@teacher=mine"]
    process = start_process("stage=synth", *words, "parts=6")
    _, complaint = process.communicate(timeout=120)

    assert process.returncode == 0, complaint
    assert "ended with status" not in complaint
    log = (tmp_path / "runs" / "t" / "replica-1.log").read_text()
    assert "llm@teacher" not in log  # it may say that it was interrupted: the leader was quicker


def test_tracked_processes_report_to_one_run(start_process, tmp_path):
    process = start_process("stage=synth", "tracking=wandb", "synth.methods=[generate]")
    _, complaint = process.communicate(timeout=180)

    assert process.returncode == 0, complaint
    offline = list((tmp_path / "runs" / "t" / "wandb").glob("offline-run-*"))
    assert len(offline) == 4
