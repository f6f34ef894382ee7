import shlex
from pathlib import Path

import pytest

from opencharacter.compose import compose_config
from opencharacter.errors import ConfigError
from opencharacter.job.submit import SlurmJob, batch_file, jobs_of, submit

COMMAND = (
    "python -m opencharacter stage=synth run=big llm@teacher=llama3_8b_instruct slurm=cluster "
    "slurm.partition=gpu 'synth.methods=[rewrite,generate]' dry_run=true"
)


def composed(*more):
    return compose_config([*shlex.split(COMMAND)[3:], *more])


def dry_lines(capsys, *more):
    submit(composed(*more), COMMAND)
    return [shlex.split(line) for line in capsys.readouterr().out.splitlines()]


def test_the_main_job_becomes_a_chain():
    assert jobs_of(composed()) == [
        SlurmJob("personas"),
        SlurmJob("instructions"),
        SlurmJob("profiles", ("personas",)),
        SlurmJob("rewrite", ("profiles", "instructions")),
        SlurmJob("generate", ("profiles", "instructions")),
        SlurmJob("mix", ("rewrite", "generate")),
    ]


def test_a_dry_run_prints_commands_that_a_shell_takes(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = dry_lines(capsys)

    assert [words[0] for words in lines] == ["sbatch"] * 6
    profiles = lines[2]
    assert "--array=0-7" in profiles
    assert "--gpus-per-node=1" in profiles
    assert "--partition=gpu" in profiles
    assert "--dependency=afterok:<personas>" in profiles
    at = profiles.index(str(batch_file()))
    assert profiles[at + 1 :] == [
        "stage=profiles", "run=big", "llm@teacher=llama3_8b_instruct",
        "synth.methods=[rewrite,generate]", "slurm.submit=false",
    ]  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_stages_that_ask_no_model_get_one_task_and_no_gpu(capsys):
    personas, *_, mix = dry_lines(capsys)

    for words in (personas, mix):
        assert not [word for word in words if word.startswith(("--array", "--gpus"))]


@pytest.mark.parametrize(
    ("more", "gpus"),
    [
        (("teacher.tensor_parallel=4", "teacher.data_parallel=2"), "--gpus-per-node=8"),
        (("slurm.gpus=3",), "--gpus-per-node=3"),
        (("llm@teacher=embedded",), None),
    ],
)
def test_a_task_has_the_gpus_that_the_teacher_needs(capsys, more, gpus):
    asked = [word for word in dry_lines(capsys, *more)[2] if word.startswith("--gpus")]

    assert asked == ([gpus] if gpus else [])


def test_the_mixture_has_the_gpus_that_its_axes_are_given_and_no_other_job(capsys):
    personas, _, profiles, *_, mix = dry_lines(capsys, "slurm.mix_gpus=1", "slurm.gpus=4")

    given = [
        [word for word in job if word.startswith("--gpus")] for job in (personas, profiles, mix)
    ]
    assert given == [[], ["--gpus-per-node=4"], ["--gpus-per-node=1"]]


def test_a_mixture_alone_has_them_too(capsys):
    [mix] = dry_lines(capsys, "stage=mix", "slurm.mix_gpus=1")

    assert "--gpus-per-node=1" in mix


@pytest.mark.parametrize("asked", ["force=true", "preview=3", "stage=status"])
def test_what_goes_wrong_in_a_job_is_not_submitted(asked):
    with pytest.raises(ConfigError, match=asked.partition("=")[0]):
        submit(composed(asked), f"{COMMAND} {asked}")


def test_without_slurm_the_error_says_where_to_go(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="there is no sbatch on this machine"):
        submit(composed("dry_run=false", f"runs_dir={tmp_path}"), COMMAND)


def test_what_slurm_refuses_is_told(monkeypatch, tmp_path):
    sbatch = tmp_path / "sbatch"
    sbatch.write_text("#!/bin/sh\necho 'invalid partition specified: gpu' >&2\nexit 1\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(ConfigError, match="invalid partition specified: gpu"):
        submit(composed("dry_run=false", f"runs_dir={tmp_path}"), COMMAND)


def test_the_batch_file_is_there():
    assert Path(batch_file()).read_text(encoding="utf-8").startswith("#!/bin/bash\n")
