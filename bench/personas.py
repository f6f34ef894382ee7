"""Peak memory and speed of `stage=personas`, and how it compares with `datasets`.

    python bench/personas.py [rows ...]                # 10 thousand and 1 million
    python bench/personas.py --sample 10000000 [n]     # against datasets, n = 20,000

Each run is a process of its own on generated personas: it reads the source, looks for
near-duplicates, writes Parquet and closes its books, once for all rows and once for a sample.
Memory is the largest resident set, libraries and the processes that read included; growth is
against the first line. Bar: growth <= 200 MB; of a sample a peak <= 1 GiB, and five times the
rows/s of `datasets` streaming + shuffle. `datasets` passes the first half million rows through a
shuffle buffer of n: its take(n) would stop after 2 n rows and give a sample of those alone.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from opencharacter.config import Config, PersonasConfig
from opencharacter.job import Job
from opencharacter.stages import personas

SIZES = (10_000, 1_000_000)
DRAWN = 10_000
SAMPLE = 20_000
PEER_ROWS = 500_000
PERSONA_HUB = 370_000_000
DUPLICATE_EVERY = 100
_SYLLABLES = (
    "ba",
    "cor",
    "del",
    "fi",
    "gan",
    "hu",
    "lo",
    "mi",
    "nor",
    "pe",
    "ra",
    "sul",
    "ti",
    "va",
)


def write_personas(path: Path, rows: int) -> None:
    """Write `rows` personas as JSON lines, of about 110 bytes each, one in a hundred twice."""
    rng = random.Random(0)
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3))) for _ in range(5000)]
    last = ""
    with path.open("w", encoding="utf-8") as handle:
        for index in range(rows):
            if index % DUPLICATE_EVERY or not last:
                drawn = " ".join(rng.choices(words, k=14))
                last = f"A {drawn}, number {index}."
            handle.write(f'{{"persona": "{last}"}}\n')


def measure(path: str, n: int | None) -> dict[str, float]:
    """Run the stage on a file; return seconds, the peak in MiB, and what came out."""
    with tempfile.TemporaryDirectory() as runs:
        sources = PersonasConfig(path=path, n=n)
        config = Config(stage="personas", run="bench", runs_dir=runs, personas=sources)
        start = time.perf_counter()
        with Job(config, command="bench/personas.py") as job:
            personas.run(config, job)
            seconds = time.perf_counter() - start
            counts = (job.folder("personas").manifest() or {})["counts"]
    return {
        "seconds": seconds, "cpu": _cpu_s(), "mib": _peak(),
        "rows": counts["in"], "kept": counts["out"],
    }  # fmt: skip


def measure_datasets(path: str, n: int) -> dict[str, float]:
    """Stream the first rows of a file through a shuffle buffer of `n`, as `take` reads them."""
    from datasets import load_dataset  # noqa: PLC0415

    stream = load_dataset("json", data_files=path, split="train", streaming=True)
    start, before = time.perf_counter(), _cpu_s()
    rows = sum(1 for _ in islice(stream.shuffle(seed=0, buffer_size=n), PEER_ROWS))
    seconds = time.perf_counter() - start
    cpu = _cpu_s() - before
    return {"seconds": seconds, "cpu": cpu, "mib": _peak(), "rows": rows, "kept": n}


def _cpu_s() -> float:
    found = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in found)


def _peak() -> float:
    """Return MiB: of this process, and of as many of the largest child as there are cores."""
    own, child = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    processes = min(8, len(os.sched_getaffinity(0)))
    return (own.ru_maxrss + processes * child.ru_maxrss) / 1024  # Linux counts in KiB


def in_a_process(what: str, path: Path, n: int | None) -> dict[str, Any]:
    """Measure in a fresh interpreter."""
    command = [sys.executable, __file__, what, str(path), str(n or 0)]
    reply = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seen: dict[str, Any] = json.loads(reply.stdout.splitlines()[-1])
    return seen


def compare_sizes(sizes: tuple[int, ...]) -> None:
    """Print a line per size and draw."""
    print(f"{'rows':>10} {'n':>8} {'kept':>10} {'rows/s':>9} {'peak MiB':>9} {'growth':>7}")
    base = None
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            path = Path(folder) / f"{rows}.jsonl"
            write_personas(path, rows)
            for n in (None, DRAWN):
                seen = in_a_process("--one", path, n)
                base = base or seen["mib"]
                print(
                    f"{seen['rows']:>10,} {n or 'all':>8} {seen['kept']:>10,} "
                    f"{seen['rows'] / seen['seconds']:>9,.0f} {seen['mib']:>9.0f} "
                    f"{seen['mib'] - base:>+7.0f}"
                )


def compare_with_datasets(rows: int, n: int) -> None:
    """Print how fast a sample is drawn, by the stage and by `datasets`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{rows}.jsonl"
        write_personas(path, rows)
        speeds, costs = [], []
        for name, what in (("stage=personas", "--one"), ("datasets", "--datasets")):
            seen = in_a_process(what, path, n)
            speeds.append(seen["rows"] / seen["seconds"])
            costs.append(seen["cpu"] / seen["rows"])
            print(
                f"{name:<15} n={n:,}: {seen['rows']:>11,} rows in {seen['seconds']:6.1f} s, "
                f"{speeds[-1]:>9,.0f} rows/s, {1e6 * costs[-1]:5.2f} us of CPU a row, "
                f"peak {seen['mib']:,.0f} MiB",
                flush=True,
            )
    print(f"ratio {speeds[0] / speeds[1]:.1f} by the clock, {costs[1] / costs[0]:.1f} by CPU time")
    hours = PERSONA_HUB / speeds[0] / 3600
    print(f"{PERSONA_HUB:,} rows of this length at this pace: {hours:.1f} h")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--one", given, number]:
            print(json.dumps(measure(given, int(number) or None)))
        case ["--datasets", given, number]:
            print(json.dumps(measure_datasets(given, int(number))))
        case ["--sample", number, *more]:
            compare_with_datasets(int(number), int(more[0]) if more else SAMPLE)
        case given_sizes:
            compare_sizes(tuple(int(size) for size in given_sizes) or SIZES)
