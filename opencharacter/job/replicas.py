"""Data parallelism on one machine: copies of this command, each with its own engine and GPUs.

vLLM refuses offline data parallelism in one process, and needs none: replicas claim parts like any
other process. The first process (the leader) starts every stage; the others wait for it to, so a
stage that is started over is started over once. Parts of a replica that died are free again, and
the leader does them; replicas end when the leader is gone.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from opencharacter.errors import ConfigError
from opencharacter.store.claims import Holder
from opencharacter.store.stage import StageFolder

_LEADER = "OPENCHARACTER_LEADER"  # process id of the leader, set for its replicas
_SINCE = "OPENCHARACTER_SINCE"  # stages that the leader starts over are started later than this
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_POLL_S = 0.2
_GRACE_S = 10.0


class Replicas:
    """The further processes of this command; none in a replica."""

    def __init__(self, command: str, *, logs: Path, starts_over: bool) -> None:
        """Prepare; nothing is started yet.

        Args:
            command: As typed: `python -m opencharacter ...`.
            logs: Folder for what they print, `replica-<i>.log`.
            starts_over: Whether the leader starts its stages over.
        """
        self._arguments = shlex.split(command)[3:]
        self._logs = logs
        self._since = time.time() if starts_over else 0.0
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, *, copies: int, gpus_each: int) -> None:
        """Start `copies - 1` more processes, once.

        GPUs are handed out in order of CUDA_VISIBLE_DEVICES, or from 0; this process keeps the
        first.

        Args:
            copies: Processes in all.
            gpus_each: GPUs of one copy.

        Raises:
            ConfigError: CUDA_VISIBLE_DEVICES names too few GPUs.
        """
        if is_replica() or self._running or copies == 1:
            return
        gpus = _share_gpus(copies, gpus_each)
        leader = {_LEADER: str(os.getpid()), _SINCE: repr(self._since)}
        for number in range(1, copies):
            with self._log(number).open("w", encoding="utf-8") as log:
                self._running[number] = subprocess.Popen(
                    [sys.executable, "-m", "opencharacter", *self._arguments, "force=false"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **leader, _VISIBLE: gpus[number]},
                )
        os.environ[_VISIBLE] = gpus[0]

    def __contains__(self, holder: Holder) -> bool:
        """Tell whether the holder of a claim is one of them."""
        pids = {process.pid for process in self._running.values()}
        return holder.host == socket.gethostname() and holder.pid in pids

    def report_dead(self) -> None:
        """Print a line for each that has failed since the last look."""
        for number, process in list(self._running.items()):
            status = process.poll()
            if status is None:
                continue
            del self._running[number]
            if status != 0:
                print(
                    f"replica {number} ended with status {status}, see {self._log(number)}; "
                    "its parts are done by the others",
                    file=sys.stderr,
                )

    def end(self) -> None:
        """End those that still run: they have nothing left to do."""
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:  # it is opening an engine, and has no part
                process.kill()
                process.wait()
        self._running.clear()

    def _log(self, number: int) -> Path:
        return self._logs / f"replica-{number}.log"


def is_replica() -> bool:
    """Tell whether another process leads this one."""
    return _LEADER in os.environ


def end_with_leader() -> None:
    """See to it that this replica ends when its leader says so, and when that one is gone."""
    # A shell starts what runs in the background deaf to Ctrl+C, and so are its replicas.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_watch_leader, daemon=True, name="leader").start()


def wait_for_leader(folder: StageFolder, fingerprint: str) -> None:
    """Wait until the leader has started the stage with the same fingerprint."""
    since = float(os.environ[_SINCE])
    while True:
        started = folder.started()
        if started and started["fingerprint"] == fingerprint and started["at"] >= since:
            return
        time.sleep(_POLL_S)


def _watch_leader() -> None:
    while os.getppid() == int(os.environ[_LEADER]):
        time.sleep(_POLL_S)
    print("the process that leads this replica is gone", file=sys.stderr, flush=True)
    os._exit(2)  # like a kill: it costs the requests in flight, and waits for no engine


def _share_gpus(copies: int, gpus_each: int) -> list[str]:
    """Return what each copy sees as CUDA_VISIBLE_DEVICES.

    Raises:
        ConfigError: it names too few GPUs.
    """
    needed = copies * gpus_each
    visible = os.environ.get(_VISIBLE)
    if visible == "":  # a GPU is there and shall not be used
        return [""] * copies
    gpus = [str(gpu) for gpu in range(needed)] if visible is None else visible.split(",")
    if len(gpus) < needed:
        raise ConfigError(
            f"teacher.data_parallel={copies} with teacher.tensor_parallel={gpus_each} needs "
            f"{needed} GPUs, but CUDA_VISIBLE_DEVICES={visible} names {len(gpus)}; lower one of "
            "them, or make more GPUs visible"
        )
    return [",".join(gpus[copy * gpus_each : (copy + 1) * gpus_each]) for copy in range(copies)]
