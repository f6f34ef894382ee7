"""What each process says of its work while it works: a small file of its own, written anew.

    runs/<run>/<stage>/progress/<host>-<pid>.json

Anybody who sees the folder can add them up: `stage=status` does, on any machine.
"""

import os
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opencharacter.store.files import read_json, write_json

EVERY_S = 5.0
"""Between two reports of a process."""

_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one process is getting on with one stage."""

    host: str
    pid: int
    job: str
    """SLURM's name of the job, with the array's index; empty outside."""
    at: float
    """When this was written, in seconds since 1970."""
    total: int
    """Pieces of work of the whole stage."""
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
    def is_silent(self) -> bool:
        """Whether it is older than a living process lets it become."""
        return self.age_s > 6 * EVERY_S


class Reporter:
    """Writes the reports of this process; a context manager that takes them away at the end."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing is written before the first call of `write`.

        Args:
            folder: The stage's.
        """
        self._host = socket.gethostname()
        self._path = folder / "progress" / f"{self._host}-{os.getpid()}.json"
        self._recent: deque[tuple[float, int, int]] = deque()

    def write(
        self,
        *,
        total: int,
        done: int,
        unsealed: int,
        output_tokens: int,
        prompt_tokens: int,
        cached_tokens: int,
    ) -> None:
        """Say how far this process is; see `Report` for the numbers."""
        now = time.time()
        self._recent.append((now, done, output_tokens))
        while now - self._recent[0][0] > _WINDOW_S and len(self._recent) > 2:
            self._recent.popleft()
        then, done_then, tokens_then = self._recent[0]
        seconds = max(now - then, 1e-9)
        report = Report(
            host=self._host,
            pid=os.getpid(),
            job=_slurm_job(),
            at=now,
            total=total,
            unsealed=unsealed,
            records_per_s=(done - done_then) / seconds,
            output_tokens_per_s=(output_tokens - tokens_then) / seconds,
            output_tokens=output_tokens,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
        )
        write_json(self._path, asdict(report))

    def close(self) -> None:
        """Take the report away: this process has ended its work on the stage."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def read_reports(folder: Path) -> list[Report]:
    """Return the reports in a stage's folder, the newest first."""
    found: list[Any] = [read_json(path) for path in (folder / "progress").glob("*.json")]
    reports = [Report(**report) for report in found if report is not None]
    return sorted(reports, key=lambda report: -report.at)


def _slurm_job() -> str:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
