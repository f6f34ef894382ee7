"""How full the rows of a training are packed, and how full any packing could make them.

    python bench/packing.py [--run runs/demo] [--rows 1000] [--max-length 1024 2048 4096]

Lengths are those of a run whose `stage=tokenize` is finished, or made up as in `train.py`. Beside
best-fit decreasing and what `stage=train` takes stands a lower bound of the rows that any packing
needs: Gilmore and Gomory's linear program (1961, Operations Research 9) over all ways to fill a
row, by columns; what it proves at each step is Farley's bound (1990, Operations Research 38), so it
holds though the program is not solved to its end.
"""

import argparse
import math
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from train import made_up

from opencharacter.store.rows import part_files, read_columns
from opencharacter.train.packing import best_fit, efficiency, pack

STEPS = 500  # columns at most
NEAR = 1e-9


def least_rows(lengths: list[int], max_length: int) -> int:
    """Return a number of rows with fewer of which no packing can do."""
    counts = Counter(lengths)
    sizes = np.array(sorted(counts, reverse=True))
    wanted = np.array([counts[size] for size in sizes.tolist()], float)
    ways = np.diag((max_length // sizes).astype(float))  # a row of one length only, for each
    best = max(sum(lengths) / max_length, sum(length > max_length / 2 for length in lengths))
    for _ in range(STEPS):
        solved = linprog(np.ones(ways.shape[1]), A_ub=-ways, b_ub=-wanted, method="highs")
        prices = np.maximum(-solved.ineqlin.marginals, 0)
        value, way = dearest(prices, sizes, max_length)
        best = max(best, float(prices @ wanted) / max(value, 1.0))
        if value <= 1 + NEAR:
            break
        ways = np.column_stack([ways, way])
    return math.ceil(best - 1e-6)


def dearest(
    prices: NDArray[np.float64], sizes: NDArray[np.int64], room: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the dearest way to fill a row, and how many it has of each length."""
    value = np.zeros(room + 1)
    last = np.full(room + 1, -1)
    for free in range(1, room + 1):
        fits = sizes <= free
        if not fits.any():
            continue
        worth = np.where(fits, prices + value[np.maximum(free - sizes, 0)], -1.0)
        chosen = int(worth.argmax())
        value[free] = worth[chosen]
        last[free] = chosen
    way = np.zeros(len(sizes))
    free = room
    while last[free] >= 0:
        way[last[free]] += 1
        free -= int(sizes[last[free]])
    return float(value[room]), way


def main() -> None:
    """Print a line for each length of rows."""
    parser = argparse.ArgumentParser(description="How full rows are packed")
    parser.add_argument("--run", default="")
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--max-length", type=int, nargs="+", default=[1024, 2048, 4096])
    given = parser.parse_args()
    if given.run:
        parts = part_files(Path(given.run) / "tokenize" / "data")
        lengths = [len(ids) for (ids,) in islice(read_columns(parts, ["input_ids"]), given.rows)]
    else:
        rows = made_up(given.rows, min(given.max_length))
        lengths = [len(row.input_ids) for row in rows]
    print(f"{len(lengths):,} dialogues of {min(lengths)} to {max(lengths)} tokens")
    for room in given.max_length:
        if room < max(lengths):
            print(f"{room:>6,} the longest dialogue does not fit")
            continue
        least = least_rows(lengths, room)
        for name, n_rows in (
            ("best fit", len(best_fit(lengths, room))),
            ("stage=train", len(pack(lengths, room, seed=0))),
            ("no fewer than", least),
        ):
            full = efficiency(lengths, n_rows, room)
            print(f"{room:>6,} {name:>14} {n_rows:>6,} rows {full:>6.1%} full", flush=True)


if __name__ == "__main__":
    main()
