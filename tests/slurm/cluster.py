"""A real SLURM on this machine: munge, a controller and two virtual nodes, all on loopback.

It needs root and Debian's packages slurm-wlm and munge, which it installs where it may. Everything
it writes is in one folder. Facts it rests on: daemons run without systemd and cgroups; requeued
jobs wait for `cred_expire`, 120 s unless it is set to 5 or more; `NoInAddrAny` binds to the host
name's address.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
_PACKAGES = ("slurm-wlm", "munge")
_NODES = 2
_WAIT_S = 60.0
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
"""States that a job ends in."""

_CONF = """\
ClusterName=opencharacter
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={state}/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd-%n.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
KillWait=5
CompleteWait=0
MinJobAge=3600
ReturnToService=2
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=DEFAULT CPUs=8 RealMemory=4000 State=UNKNOWN
NodeName=n[1-{nodes}] NodeAddr=127.0.0.1 NodeHostname={host} Port=[{first}-{last}]
PartitionName=DEFAULT Nodes=ALL DefaultTime=01:00:00 MaxTime=INFINITE State=UP
PartitionName=main Default=YES PriorityTier=10
PartitionName=low PriorityTier=1 GraceTime=10
PartitionName=high PriorityTier=20
"""


class CannotRunError(Exception):
    """SLURM cannot run on this machine; the message says why."""


class Cluster:
    """A running cluster; a context manager."""

    def __init__(self, state: Path) -> None:
        """Install what is missing and write the configuration.

        Args:
            state: An empty folder with a short path: Unix sockets are in it.

        Raises:
            CannotRunError: this machine cannot run SLURM.
        """
        self._state = state
        self._host = socket.gethostname().partition(".")[0]
        if os.geteuid() != 0:
            raise CannotRunError("slurmd switches users, so it must be started by root")
        try:
            address = socket.gethostbyname(self._host)
        except OSError as error:
            raise CannotRunError(f"the name {self._host} does not resolve: {error}") from error
        if not address.startswith("127."):
            raise CannotRunError(f"the name {self._host} is {address}, not a loopback address")
        _install()
        first, *_ = ports = _free_ports(_NODES + 1)
        self.conf = state / "slurm.conf"
        text = _CONF.format(
            state=state, host=self._host, port=ports[-1], nodes=_NODES,
            first=first, last=first + _NODES - 1,
        )  # fmt: skip
        self.conf.write_text(text, encoding="utf-8")

    def __enter__(self) -> Self:
        """Start the daemons and wait until both nodes are idle."""
        (self._state / "controller").mkdir()
        key = self._state / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        named = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed"}
        files = [f"--{name}={self._state}/munge.{end}" for name, end in named.items()]
        log = f"--log-file={self._state}/munge.log"
        _do("munged", "--force", "--origin=127.0.0.1", *files, log)
        _do("slurmctld", "-f", str(self.conf))
        for number in range(1, _NODES + 1):
            (self._state / f"n{number}").mkdir()
            _do("slurmd", "-f", str(self.conf), "-N", f"n{number}")
        os.environ["SLURM_CONF"] = str(self.conf)
        wait_until(lambda: self._idle() == _NODES, "both nodes are idle")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel all jobs and stop the daemons."""
        subprocess.run(["scancel", "--full", "--user=root"], check=False, capture_output=True)
        wait_until(lambda: not _do("squeue", "-h").strip(), "no job is left")
        for path in self._state.glob("*.pid"):
            with_pid = path.read_text(encoding="utf-8").strip()
            if with_pid:
                process = Path("/proc", with_pid)
                os.kill(int(with_pid), signal.SIGTERM)
                wait_until(partial(_is_gone, process), f"{path} ends")
        del os.environ["SLURM_CONF"]

    def _idle(self) -> int:
        shown = subprocess.run(
            ["sinfo", "-h", "-N", "-p", "main", "-o", "%T"],
            capture_output=True,
            text=True,
            check=False,
        )
        return shown.stdout.split().count("idle")


def job_states(job: str) -> list[str]:
    """Return the state of a job, or of each task of an array."""
    shown = _do("scontrol", "show", "job", "-o", job)
    fields = (dict(f.split("=", 1) for f in line.split() if "=" in f) for line in shown.split("\n"))
    return [field["JobState"] for field in fields if field]


def is_over(job: str) -> bool:
    """Return whether a job, or every task of an array, has ended."""
    return set(job_states(job)) <= FINAL


def wait_until(holds: Callable[[], bool], what: str, timeout_s: float = _WAIT_S) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not within `timeout_s`.
    """
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"after {timeout_s:.0f} s it does not hold that {what}")
        time.sleep(0.1)


def _is_gone(process: Path) -> bool:
    return not process.exists()


def _install() -> None:
    if all(map(shutil.which, _PROGRAMS)):
        return
    if shutil.which("apt-get") is None:
        raise CannotRunError(f"{_PACKAGES} are not installed, and there is no apt-get")
    policy = Path("/usr/sbin/policy-rc.d")  # else the packages start daemons of their own
    is_ours = not policy.exists()
    if is_ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
        for words in (["update", "-qq"], install):
            subprocess.run(["apt-get", *words], check=True, capture_output=True, env=environment)
    except subprocess.CalledProcessError as error:
        raise CannotRunError(f"{_PACKAGES} cannot be installed: {error.stderr[-300:]!r}") from error
    finally:
        if is_ours:
            policy.unlink()


def _free_ports(n: int) -> list[int]:
    """Return `n` neighbouring ports that are free; two test files look at different ones first."""
    all_firsts = range(17100, 18900, n)
    begin = os.getpid() % len(all_firsts)
    for first in (*all_firsts[begin:], *all_firsts[:begin]):
        ports = list(range(first, first + n))
        if all(map(_is_free, ports)):
            return ports
    raise CannotRunError("no free ports on loopback")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _do(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
