"""Peak memory and speed of `stage=personas` on 10 thousand and 1 million generated personas.

    python bench/personas.py [rows ...]

Each run is a process of its own: it reads the source, writes Parquet and closes its books, once for
all rows and once for a sample. Memory is the largest resident set, interpreter and libraries
included; growth is against the first line. Bar: growth <= 200 MB.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from opencharacter.config import Config, PersonasConfig
from opencharacter.job import Job
from opencharacter.stages import personas

SIZES = (10_000, 1_000_000)
DRAWN = 10_000
DUPLICATE_EVERY = 100
_TRADES = ("cooper", "nurse", "pilot", "tailor", "baker", "botanist", "welder", "judge")
_TOWNS = ("Oslo", "Lima", "Cork", "Pune", "Accra", "Quito", "Turin", "Hobart")
_LOVES = ("old maps", "river swimming", "chess", "bees", "opera", "sourdough", "kites", "moss")


def write_personas(path: Path, rows: int) -> None:
    """Write `rows` personas as JSON lines, of about 110 bytes each, one in a hundred twice."""
    rng = random.Random(0)
    last = ""
    with path.open("w", encoding="utf-8") as handle:
        for index in range(rows):
            if index % DUPLICATE_EVERY or not last:
                trade, town, love = (rng.choice(words) for words in (_TRADES, _TOWNS, _LOVES))
                last = f"A {trade} from {town}, number {index} of the guild, who lives for {love}."
            handle.write(json.dumps({"persona": last}) + "\n")


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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    return {"seconds": seconds, "mib": peak, "rows": counts["in"], "kept": counts["out"]}


def main(sizes: tuple[int, ...]) -> None:
    """Print a line per size and draw."""
    print(f"{'rows':>10} {'n':>8} {'kept':>10} {'rows/s':>9} {'peak MiB':>9} {'growth':>7}")
    base = None
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            path = Path(folder) / f"{rows}.jsonl"
            write_personas(path, rows)
            for n in (None, DRAWN):
                command = [sys.executable, __file__, "--one", str(path), str(n or 0)]
                reply = subprocess.run(command, check=True, capture_output=True, text=True)
                seen = json.loads(reply.stdout)
                base = base or seen["mib"]
                print(
                    f"{seen['rows']:>10,} {n or 'all':>8} {seen['kept']:>10,} "
                    f"{seen['rows'] / seen['seconds']:>9,.0f} {seen['mib']:>9.0f} "
                    f"{seen['mib'] - base:>+7.0f}"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]) or None)))
    else:
        main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
