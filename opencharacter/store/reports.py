"""What each process says of its work while it works: a small file of its own, written anew.

    runs/<run>/<stage>/progress/<host>-<pid>.json

Anybody who sees the folder can add them up: `stage=status` does, on any machine.
"""

import os
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from opencharacter.errors import StoreError
from opencharacter.store.claims import is_running, start_time
from opencharacter.store.files import read_json, write_json

EVERY_S = 5.0
"""Between two reports of a process."""

_WINDOW_S = 60.0
_TOTAL = "work.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one process is getting on with one stage."""

    host: str
    pid: int
    started: str = ""
    """Start time of the process as the kernel counts it: pids are used again."""
    job: str
    """SLURM's name of the job, with the array's index; empty outside."""
    at: float
    """When this was written, in seconds since 1970."""
    total: int | None
    """Pieces of work of the whole stage; None = not known, as of a stream."""
    unsealed: int
    """Of them, those that this process has finished in parts that are not whole yet."""
    records_per_s: float
    """Over the last minute, like the tokens."""
    output_tokens_per_s: float
    output_tokens: int
    prompt_tokens: int
    cached_tokens: int
    """Of the prompt tokens, those that the engine's prefix cache held."""

    @property
    def age_s(self) -> float:
        """Since it was written."""
        return max(0.0, time.time() - self.at)

    @property
    def is_alive(self) -> bool:
        """Whether its process is there; on other machines, whether it is as new as it would be."""
        if self.host == socket.gethostname() and not is_running(self.pid, self.started):
            return False
        return self.age_s <= 6 * EVERY_S


class _Numbers(NamedTuple):
    done: int = 0
    unsealed: int = 0
    output_tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0


class Reporter:
    """Reports for this process every few seconds, from a thread of its own, until it is closed.

    So a process that waits for its first answer, or for minutes for the next, is not taken for
    dead.
    """

    def __init__(self, folder: Path, *, total: int | None) -> None:
        """Write the first report.

        Args:
            folder: The stage's.
            total: Pieces of work of the whole stage; None = not known.
        """
        self.folder = folder
        self._host = socket.gethostname()
        self._path = folder / "progress" / f"{self._host}-{os.getpid()}.json"
        self._total = total
        self._numbers = _Numbers()
        self._recent: deque[tuple[float, int, int]] = deque()
        self._wake = threading.Event()
        self._is_closed = False
        if total is not None:
            with suppress(StoreError):
                write_json(folder / _TOTAL, {"records": total})
        self._write()
        self._thread = threading.Thread(target=self._keep_writing, daemon=True)
        self._thread.start()

    def update(
        self,
        *,
        done: int,
        unsealed: int,
        output_tokens: int,
        prompt_tokens: int,
        cached_tokens: int,
    ) -> None:
        """Say how far this process is; see `Report` for the numbers."""
        before = self._numbers
        self._numbers = _Numbers(done, unsealed, output_tokens, prompt_tokens, cached_tokens)
        if unsealed < before.unsealed:  # they stand in a whole part now: nobody shall count twice
            self._wake.set()

    def close(self) -> None:
        """Take the report away: this process has ended its work on the stage."""
        self._is_closed = True
        self._wake.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _keep_writing(self) -> None:
        while not self._is_closed:
            self._wake.wait(EVERY_S)
            self._wake.clear()
            if not self._is_closed:
                self._write()

    def _write(self) -> None:
        numbers, now = self._numbers, time.time()
        self._recent.append((now, numbers.done, numbers.output_tokens))
        while now - self._recent[0][0] > _WINDOW_S and len(self._recent) > 2:
            self._recent.popleft()
        then, done_then, tokens_then = self._recent[0]
        seconds = max(now - then, 1e-9)
        report = Report(
            host=self._host,
            pid=os.getpid(),
            started=start_time(os.getpid()),
            job=_slurm_job(),
            at=now,
            total=self._total,
            unsealed=numbers.unsealed,
            records_per_s=(numbers.done - done_then) / seconds,
            output_tokens_per_s=(numbers.output_tokens - tokens_then) / seconds,
            output_tokens=numbers.output_tokens,
            prompt_tokens=numbers.prompt_tokens,
            cached_tokens=numbers.cached_tokens,
        )
        with suppress(StoreError):  # a full disk is told by whoever writes rows to it
            write_json(self._path, asdict(report))


def read_total(folder: Path) -> int | None:
    """Return how many pieces of work a stage has; None before anybody knew, or if it is damaged."""
    known = _read(folder / _TOTAL)
    total = known.get("records") if isinstance(known, dict) else None
    return total if isinstance(total, int) else None


def read_reports(folder: Path) -> list[Report]:
    """Return the reports in a stage's folder, the newest first; a damaged one is written anew."""
    reports = []
    for path in (folder / "progress").glob("*.json"):
        with suppress(msgspec.ValidationError):
            reports.append(msgspec.convert(_read(path), Report))
    return sorted(reports, key=lambda report: -report.at)


def _read(path: Path) -> Any:
    """Return what a file holds, None if it is not there or broken."""
    with suppress(ValueError):
        return read_json(path)
    return None


def _slurm_job() -> str:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
