"""Speed and peak memory of `read_personas` on generated personas, 10 thousand and 1 million.

    python bench/personas.py [rows ...]

Each reading runs in a process of its own and keeps nothing it reads. Memory is the largest
resident set of that process, interpreter and libraries included; growth is against the first line.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from opencharacter.config import PersonasConfig
from opencharacter.records import Persona
from opencharacter.sources.personas import read_personas
from opencharacter.sources.rows import Tally

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
    """Read a file once as the stage does; return seconds, MiB and what came out."""
    tally = Tally()
    start = time.perf_counter()
    items = read_personas(PersonasConfig(path=path, n=n), seed=0, tally=tally)
    kept = sum(isinstance(item, Persona) for item in items)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    return {"seconds": seconds, "mib": peak, "rows": tally.rows, "kept": kept}


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
