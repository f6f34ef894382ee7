"""What the scripts for the peers have in common; it needs nothing but Python.

Each runs with the Python of its peer's own environment, reads one JSON line from standard input
(see `Asked`) and writes one to standard output: seconds from start to finish, imports left out, CPU
seconds, and the number of rows with a text in them.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """What to ask, of whom."""

    requests: str
    """JSON Lines with `id` and `messages`."""
    out: str
    """Empty folder for whatever the peer writes."""
    url: str
    """Of the server, ending in /v1."""
    model: str
    max_tokens: int
    temperature: float
    parallel: int
    """Requests in flight."""
    batch: int
    """Rows at a time, where the peer works in batches."""
    is_logged: bool
    """Whether to keep checkpoints, where that is a choice."""

    @classmethod
    def read(cls) -> "Asked":
        """Read it from standard input."""
        return cls(**json.loads(sys.stdin.readline()))


def rows_of(asked: Asked) -> list[dict[str, Any]]:
    """Return the requests."""
    with Path(asked.requests).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Clock:
    """Seconds since it was made, on the wall and of all processes of this script."""

    def __init__(self) -> None:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def told(self, texts: Sequence[str | None]) -> None:
        """Say how long it took and how many texts came out."""
        wall = time.perf_counter() - self._wall
        rows = sum(bool(text and text.strip()) for text in texts)
        ran = {"seconds": wall, "cpu_s": _cpu_s() - self._cpu, "rows": rows}
        print("\n" + json.dumps(ran), flush=True)


def _cpu_s() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])
