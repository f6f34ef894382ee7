"""Data parallelism on one machine: copies of this command, each with its own engine and GPUs.

vLLM refuses offline data parallelism in one process, and needs none: replicas claim parts like any
other process. The first process (the leader) starts every stage; the others wait for it to, so a
stage that is started over is started over once.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from opencharacter.errors import StoreError
from opencharacter.store.stage import StageFolder

_LEADER = "OPENCHARACTER_LEADER"  # process id of the leader, set for its replicas
_POLL_S = 0.2


def is_replica() -> bool:
    """Tell whether another process leads this one."""
    return _LEADER in os.environ


def start_replicas(command: str, *, copies: int, gpus_each: int, logs: Path) -> list[int]:
    """Start `copies - 1` more processes of `command`; nothing in a replica.

    GPUs are handed out in order of CUDA_VISIBLE_DEVICES, or from 0; this process keeps the first.

    Args:
        command: As typed: `python -m opencharacter ...`.
        copies: Processes in all.
        gpus_each: GPUs of one copy.
        logs: Folder for what the others print, `replica-<i>.log`.

    Returns:
        Their process ids; they end when there is nothing left to do, or when the leader is gone.
    """
    if is_replica() or copies == 1:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = visible.split(",") if visible else [str(i) for i in range(copies * gpus_each)]
    started = []
    for copy in range(1, copies):
        mine = ",".join(gpus[copy * gpus_each : (copy + 1) * gpus_each])
        with (logs / f"replica-{copy}.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "opencharacter", *shlex.split(command)[3:], "force=false"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, _LEADER: str(os.getpid()), "CUDA_VISIBLE_DEVICES": mine},
            )
        started.append(process.pid)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[:gpus_each])
    return started


def wait_for_leader(folder: StageFolder, fingerprint: str) -> None:
    """Wait until the leader has started the stage with the same fingerprint.

    Raises:
        StoreError: the leader is gone.
    """
    while True:
        started = folder.started()
        if started is not None and started["fingerprint"] == fingerprint:
            return
        if os.getppid() != int(os.environ[_LEADER]):
            raise StoreError(f"the process that leads this replica is gone; see {folder.run_dir}")
        time.sleep(_POLL_S)
