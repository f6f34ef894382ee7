import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from opencharacter.compose import compose_config
from opencharacter.errors import ConfigError
from opencharacter.job.submit import SlurmJob, batch_file, jobs_of, submit
from tests.conftest import NOT_TESTED

SLURM = Path(__file__).parents[2] / "slurm"
NO_SHELLCHECK = f"SHELLCHECK {NOT_TESTED}"
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


def test_an_evaluation_becomes_a_chain():
    assert jobs_of(composed("stage=eval")) == [
        SlurmJob("play"),
        SlurmJob("judge", ("play",)),
        SlurmJob("report", ("judge",)),
    ]


def test_the_loss_of_retention_is_measured_beside_the_answers():
    assert jobs_of(composed("stage=eval", "suite=retention")) == [
        SlurmJob("play"),
        SlurmJob("judge", ("play",)),
        SlurmJob("loss"),
        SlurmJob("report", ("judge", "loss")),
    ]


def test_a_test_follows_the_training_where_it_is_asked_for():
    alone = jobs_of(composed("stage=all"))
    tested = jobs_of(composed("stage=all", "play.follows=true"))

    assert tested[: len(alone)] == alone
    assert tested[len(alone) :] == [
        SlurmJob("play", ("train",)),
        SlurmJob("judge", ("play",)),
        SlurmJob("report", ("judge",)),
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
    at = profiles.index(str(batch_file("profiles")))
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


def test_playing_is_an_array_with_the_gpus_that_the_player_needs(capsys):
    [play] = dry_lines(
        capsys, "stage=play", "llm@player=llama3_8b_instruct", "player.tensor_parallel=2"
    )

    assert "--gpus-per-node=2" in play
    assert any(word.startswith("--array=") for word in play)


LARGE = "{big:{model:a/b,tensor_parallel:4},small:{model:c/d}}"


@pytest.mark.parametrize("stage", ["judge", "qualify"])
def test_a_jury_has_the_gpus_that_its_largest_judge_needs(capsys, stage):
    jury = (f"judge.jurors={LARGE}", "judge.jury=[small,big]")
    [words] = dry_lines(capsys, f"stage={stage}", *jury)

    assert "--gpus-per-node=4" in words
    assert any(word.startswith("--array=") for word in words)


def test_a_model_that_plays_the_user_counts_where_there_is_one(capsys):
    given = ("stage=play", "suite=multi_turn", "llm@user=llama3_8b_instruct")
    [scripted] = dry_lines(capsys, *given)
    [played] = dry_lines(capsys, *given, "suite.user=model")

    assert "--gpus-per-node=1" not in scripted
    assert "--gpus-per-node=1" in played


def test_what_a_command_waits_for_holds_back_its_first_job_only(capsys):
    waits = "slurm.sbatch=['--dependency=afterok:7']"
    play, judge, _ = dry_lines(capsys, "stage=eval", waits)

    held = [[w for w in words if w.startswith("--dependency")] for words in (play, judge)]
    assert held == [["--dependency=afterok:7"], ["--dependency=afterok:<play>"]]


def test_the_mixture_has_the_gpus_that_its_axes_are_given_and_no_other_job(capsys):
    personas, _, profiles, *_, mix = dry_lines(capsys, "slurm.mix_gpus=1", "slurm.gpus=4")

    given = [
        [word for word in job if word.startswith("--gpus")] for job in (personas, profiles, mix)
    ]
    assert given == [[], ["--gpus-per-node=4"], ["--gpus-per-node=1"]]


def test_a_mixture_alone_has_them_too(capsys):
    [mix] = dry_lines(capsys, "stage=mix", "slurm.mix_gpus=1")

    assert "--gpus-per-node=1" in mix


@pytest.mark.parametrize("asked", ["force=true", "preview=3", "stage=status", "train.check=true"])
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


def test_a_job_is_told_of_another_signal_than_its_batch_file_asks_for(monkeypatch, tmp_path):
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(f'#!/bin/sh\necho "${{OPENCHARACTER_GRACE_S}}" >> {tmp_path}/told\necho 7\n')
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for more in ((), ("slurm.sbatch=['--signal=USR1@1200']",)):
        submit(composed("stage=train", "dry_run=false", f"runs_dir={tmp_path}", *more), COMMAND)

    assert (tmp_path / "told").read_text() == "\n1200\n"


def test_a_training_is_one_job_with_a_task_for_each_gpu(capsys):
    given = ("stage=train", "train=llama3_8b_instruct", "slurm.train_nodes=2")
    command = "python -m opencharacter stage=train run=big train=llama3_8b_instruct slurm=cluster"
    submit(composed(*given), command)
    line = capsys.readouterr().out

    assert line == (
        "sbatch --parsable --job-name=big-train --output=runs/big/logs/%x-%j.out --nodes=2 "
        "--ntasks-per-node=8 --cpus-per-task=8 --time=24:00:00 --gpus-per-node=8 --partition=gpu "
        f"{batch_file('train')} stage=train run=big train=llama3_8b_instruct slurm.submit=false\n"
    )


@pytest.mark.parametrize(
    ("more", "tasks"),
    [
        (("slurm.train_gpus=4",), ["--ntasks-per-node=4", "--gpus-per-node=4"]),
        (("slurm.train_gpus=0",), ["--ntasks-per-node=1"]),
        (("train=embedded",), ["--ntasks-per-node=1"]),
    ],
)
def test_how_many_gpus_a_node_of_a_training_has_can_be_set(capsys, more, tasks):
    [train] = dry_lines(capsys, "stage=train", "train=llama3_8b_instruct", *more)

    assert [word for word in train if word.startswith(("--ntasks", "--gpus"))] == tasks


def test_a_whole_run_ends_with_the_training_after_the_tokens():
    everything = replace(composed(), stage="all")

    assert jobs_of(everything)[-3:] == [
        SlurmJob("mix", ("rewrite", "generate")),
        SlurmJob("tokenize", ("mix",)),
        SlurmJob("train", ("tokenize",)),
    ]


@pytest.mark.parametrize("stage", ["generate", "train"])
def test_the_batch_file_is_there_and_bash_reads_it(stage):
    path = batch_file(stage)

    assert Path(path).read_text(encoding="utf-8").startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n", str(path)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason=NO_SHELLCHECK)
def test_shellcheck_finds_nothing_in_what_is_submitted():
    files = sorted(path for path in SLURM.iterdir() if path.suffix in (".sbatch", ".sh"))
    checked = subprocess.run(["shellcheck", *files], capture_output=True, text=True, check=False)

    assert len(files) >= 3
    assert checked.returncode == 0, checked.stdout


def test_what_the_batch_files_ask_of_slurm():
    files = {path.stem: path.read_text(encoding="utf-8") for path in SLURM.glob("*.sbatch")}
    asked = {name: re.findall(r"^#SBATCH (.*)$", text, re.M) for name, text in files.items()}

    assert asked == {
        "synth": [
            "--nodes=1 --ntasks=1 --cpus-per-task=8 --time=04:00:00",
            "--requeue --open-mode=append --signal=USR1@300",
            "--output=logs/%x-%A_%a.out",
        ],
        "train": [
            "--nodes=1 --ntasks-per-node=1 --cpus-per-task=8 --time=24:00:00",
            "--requeue --open-mode=append --signal=USR1@600",
            "--output=logs/%x-%j.out",
        ],
    }


def test_the_batch_file_of_a_training_starts_the_ranks_and_requeues(tmp_path):
    """With stand-ins for what is SLURM's: the step's command is told, and ends with 85."""
    told = tmp_path / "told"
    for name in ("srun", "scontrol"):
        stub = tmp_path / name
        stub.write_text(
            f'#!/bin/bash\necho "{name} $*" >> {told}\n[ {name} = scontrol ] || exit 85\n'
        )
        stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_CPUS_PER_TASK": "8"}
    done = subprocess.run(
        ["bash", str(batch_file("train")), "stage=train", "run=a b"],
        env=environment | {"SLURM_JOB_ID": "77"},
        check=False,
    )

    assert done.returncode == 85
    assert told.read_text().splitlines() == [
        "srun --kill-on-bad-exit=0 --wait=300 --cpu-bind=none --cpus-per-task=8 python "
        "-m opencharacter stage=train run=a b",
        "scontrol requeue 77",
    ]
