"""Runs the command line and kills it with -9 at the n-th thing that it does to a stage's folder.

    python tests/e2e/falling.py FOLDER N stage=synth ...

What a kill leaves on the disk hangs only on what was done to it before. So this counts what Python
opens, makes, renames, links and removes there, and the lines that are added to logs of model calls;
of the line that is written at the moment of the kill half is written.
"""

import os
import runpy
import signal
import sys
from pathlib import Path

FOLDER, N = sys.argv[1], int(sys.argv[2])
COUNTED = ("open", "os.mkdir", "os.rename", "os.link", "os.remove")

n_done = 0
write = os.write


def is_last() -> bool:
    """Count one thing more; True for the last one."""
    global n_done  # noqa: PLW0603 - a hook has no other place
    n_done += 1
    return n_done == N


def fall() -> None:
    """End as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def noticed(event: str, arguments: tuple) -> None:
    """Kill before the n-th thing that is done to a file."""
    is_there = event in COUNTED and str(arguments[0]).startswith(f"{FOLDER}/")
    if is_there and is_last():
        fall()


def torn(descriptor: int, data: bytes) -> int:
    """Write to a log of model calls, or half of it and no more."""
    path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
    if path.startswith(f"{FOLDER}/") and path.endswith(".jsonl") and is_last():
        write(descriptor, data[: len(data) // 2])
        fall()
    return write(descriptor, data)


if __name__ == "__main__":
    os.write = torn  # type: ignore[assignment]
    sys.addaudithook(noticed)
    sys.argv[1:] = sys.argv[3:]
    runpy.run_module("opencharacter", run_name="__main__", alter_sys=True)
