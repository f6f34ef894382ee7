"""Ranks as processes of this machine, for tests: what torchrun does, without its half minute.

They are forked from a server that has imported the heavy libraries once, so that a rank starts in
a moment.
"""

import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter import cli

WAIT_S = 180.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.train.preloaded"])


class Ended(NamedTuple):
    """How one rank ended."""

    status: int
    out: str
    err: str


class Started(NamedTuple):
    """Ranks that run; what they print goes to files of this folder."""

    processes: list[BaseProcess]
    folder: Path

    def end(self) -> list[Ended]:
        """Wait for all, and return how they ended; none is left behind."""
        last = time.monotonic() + WAIT_S
        for process in self.processes:
            process.join(max(last - time.monotonic(), 0.1))
        for process in self.processes:
            process.kill()
            process.join()
        return [
            Ended(process.exitcode or 0, self.said(rank, "out"), self.said(rank, "err"))
            for rank, process in enumerate(self.processes)
        ]

    def said(self, rank: int, where: str) -> str:
        """Return what a rank has printed so far, to `out` or to `err`."""
        path = self.folder / f"{rank}.{where}"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def start_ranks(n: int, folder: Path, act: Callable[..., None], *given: Any) -> Started:
    """Start `act(*given)` in `n` processes, each under the command line's own ends.

    Args:
        n: Processes; one alone has no rank.
        folder: For what they print.
        act: A function of a module.
        given: Its arguments.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(n), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes: list[BaseProcess] = []
    for rank in range(n):
        own = shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if n > 1 else {}
        process = _FORKS.Process(target=_be_rank, args=(rank, folder, own, act, given))
        process.start()
        processes.append(process)
    return Started(processes, folder)


def _be_rank(
    rank: int, folder: Path, own: dict[str, str], act: Callable[..., None], given: tuple[Any, ...]
) -> None:
    for where, descriptor in (("out", 1), ("err", 2)):
        with (folder / f"{rank}.{where}").open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.update(own)

    def answer(arguments: list[str]) -> int:
        act(*given)
        return len(arguments) * 0

    cli._answer_all = answer
    status = cli.main()
    sys.stdout.flush()
    sys.stderr.flush()
    raise SystemExit(status)
