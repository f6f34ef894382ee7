"""Which of how many ranks this process is: told by SLURM, by torchrun, or by nobody.

The command line is the same everywhere; what differs is who starts it:

    python -m opencharacter stage=train ...                      one process
    torchrun --nproc_per_node 8 -m opencharacter stage=train ... the ranks of one machine
    srun python -m opencharacter stage=train ...                 one task for each GPU, on any nodes
"""

import re
import socket
import subprocess
from collections.abc import Mapping

from opencharacter.errors import ConfigError

NAMES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torch, accelerate and DeepSpeed read; with one of them absent, DeepSpeed looks for MPI."""

GRACE = "OPENCHARACTER_GRACE_S"
"""Variable that tells the seconds from SLURM's signal to its end of the job, if others were asked
for than in slurm/train.sbatch: a job cannot ask SLURM for them."""
GRACE_S = 600
"""Those of slurm/train.sbatch: `--signal=USR1@600`."""

_PORTS = range(20_000, 60_000)
_ASK_S = 10.0  # longest wait for SLURM's answer


def rank_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `NAMES` for this process; nothing where it is alone.

    Those that are there already, torchrun's, win over SLURM's. SLURM tells of ranks in a job step
    only: in the batch script itself, and in a shell of an allocation, a process is alone.

    Args:
        environ: The environment of this process.

    Raises:
        ConfigError: some of the variables are set, and others are not.
    """
    if "RANK" in environ or "WORLD_SIZE" in environ:
        return _as_given(environ)
    n_ranks = environ.get("SLURM_STEP_NUM_TASKS") or environ.get("SLURM_NTASKS", "1")
    if "SLURM_STEP_ID" not in environ or n_ranks == "1":
        return {}
    nodes = environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST", "")
    job = int(environ["SLURM_JOB_ID"])
    return {
        "RANK": environ["SLURM_PROCID"],
        "LOCAL_RANK": environ["SLURM_LOCALID"],
        "WORLD_SIZE": n_ranks,
        "MASTER_ADDR": environ.get("MASTER_ADDR") or first_host(nodes),
        "MASTER_PORT": environ.get("MASTER_PORT") or str(_PORTS[job % len(_PORTS)]),
    }


def world_size(environ: Mapping[str, str]) -> int:
    """Return how many ranks there are.

    Raises:
        ConfigError: some of the variables are set, and others are not.
    """
    return int(rank_environment(environ).get("WORLD_SIZE", 1))


def grace_s(environ: Mapping[str, str]) -> int | None:
    """Return the seconds from a signal to the end of this SLURM job; None outside of one."""
    told = environ.get(GRACE, "")
    if told.isdigit():
        return int(told)
    return GRACE_S if "SLURM_JOB_ID" in environ else None


def _as_given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables as they are set; nothing where they tell of one rank without a port."""
    absent = [name for name in NAMES if name not in environ]
    if environ.get("WORLD_SIZE") == "1" and absent:
        return {}
    if absent:
        given = ", ".join(f"{name}={environ[name]}" for name in NAMES if name in environ)
        raise ConfigError(
            f"{given} is set, and {', '.join(absent)} is not; start the ranks with torchrun or "
            "srun, which set all of them, or unset these for one process"
        )
    return {name: environ[name] for name in NAMES}


def first_host(nodes: str) -> str:
    """Return the first host of a list as SLURM writes it: `gpu01` of `gpu[01-03,07],n2`."""
    found = re.match(r"([^,\[]+)(?:\[(\d+))?", nodes)
    if found is None:
        raise ConfigError(f"SLURM's list of nodes is '{nodes}', which names none")
    return found[1] + (found[2] or "")


def reachable(host: str) -> str:
    """Return the address of a host: its name, or what SLURM knows where the name tells nothing."""
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return _address_of_node(host) or host
    return host


def _address_of_node(node: str) -> str:
    words = ["scontrol", "show", "node", node]
    try:
        shown = subprocess.run(words, capture_output=True, text=True, timeout=_ASK_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"\bNodeAddr=(\S+)", shown.stdout)
    return found[1] if found else ""
