import pytest

from opencharacter.errors import ConfigError
from opencharacter.train.launch import first_host, grace_s, rank_environment, reachable

STEP = {
    "SLURM_JOB_ID": "81234",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "16",
    "SLURM_NTASKS": "16",
    "SLURM_PROCID": "9",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_JOB_NODELIST": "gpu[07-08]",
}


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"HOME": "h"}, None),
        ({"SLURM_JOB_ID": "7"}, 600),  # tests/job/test_submit.py holds slurm/train.sbatch to it
        ({"SLURM_JOB_ID": "7", "OPENCHARACTER_GRACE_S": "1200"}, 1200),
    ],
)
def test_how_long_slurm_waits_after_its_signal(environ, seconds):
    assert grace_s(environ) == seconds


def test_nobody_else_is_there():
    assert rank_environment({"HOME": "h"}) == {}


def test_a_task_of_slurm_is_a_rank():
    assert rank_environment(STEP) == {
        "RANK": "9",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "16",
        "MASTER_ADDR": "gpu07",
        "MASTER_PORT": "21234",  # 20,000 + 81,234 mod 40,000
    }


def test_the_shell_of_an_allocation_is_no_rank():
    """A batch script sees the tasks of its job, and is none of them."""
    shell = {name: value for name, value in STEP.items() if "STEP" not in name}

    assert rank_environment(shell) == {}


def test_a_step_of_one_task_is_alone_in_a_job_of_many():
    assert rank_environment(STEP | {"SLURM_STEP_NUM_TASKS": "1"}) == {}


def test_what_torchrun_set_wins_over_slurm():
    torchrun = {
        "RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2",
        "MASTER_ADDR": "localhost", "MASTER_PORT": "29500",
    }  # fmt: skip

    assert rank_environment(STEP | torchrun) == torchrun


def test_an_address_that_is_set_wins_over_slurm_s():
    given = {"MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "4000"}
    found = rank_environment(STEP | given)

    assert (found["MASTER_ADDR"], found["MASTER_PORT"]) == ("10.0.0.7", "4000")


def test_half_a_rank_is_told():
    with pytest.raises(ConfigError, match="RANK=1 is set, and LOCAL_RANK, WORLD_SIZE"):
        rank_environment({"RANK": "1"})


def test_one_rank_needs_no_port():
    assert rank_environment({"RANK": "0", "WORLD_SIZE": "1"}) == {}


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("n1", "n1"),
        ("n[1-2]", "n1"),
        ("gpu[007-009,011],cpu1", "gpu007"),
        ("a,b", "a"),
        ("rack-1-gpu[3,5]", "rack-1-gpu3"),
    ],
)
def test_the_first_host_of_a_list(nodes, first):
    assert first_host(nodes) == first


def test_an_empty_list_of_hosts_is_told():
    with pytest.raises(ConfigError, match="names none"):
        first_host("")


def test_a_node_whose_name_tells_nothing_is_asked_of_slurm(tmp_path, monkeypatch):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(
        '#!/bin/sh\necho "NodeName=$3 NodeAddr=10.1.2.3 NodeHostName=x"\n', encoding="utf-8"
    )
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert reachable("no-such-host.invalid") == "10.1.2.3"
    assert reachable("localhost") == "localhost"
