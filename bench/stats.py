"""How long the statistics take: intervals, sign flips, fits and agreement over 10,000 scores.

python bench/stats.py          # 10,000 draws must take less than 2 s
"""

import resource
import time
from collections.abc import Callable

import numpy as np

from opencharacter.stats.agreement import alpha
from opencharacter.stats.correlation import kendall, spearman
from opencharacter.stats.intervals import Method, mean_interval
from opencharacter.stats.paired import paired_difference
from opencharacter.stats.variance import components
from opencharacter.stats.winrate import win_rate

SCORES = 10_000
METHODS: tuple[Method, ...] = ("t", "studentised", "bca", "percentile")


def timed(name: str, work: Callable[[], object]) -> None:
    """Print the best of three times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(f"{name:56} {min(times):7.3f} s")


def main() -> None:
    """Time each of them on one process."""
    rng = np.random.default_rng(0)
    values, other = rng.normal(3, 1, size=(2, SCORES))
    for characters in (200, 1_000, SCORES):
        who = np.arange(SCORES) % characters
        for method in METHODS:
            timed(
                f"mean, {characters:,} characters, {method}, 10,000 draws",
                lambda who=who, method=method: mean_interval(values, who, method=method),
            )
        timed(
            f"paired difference and sign flips, {characters:,} characters",
            lambda who=who: paired_difference(values, other, who),
        )
    who = np.arange(SCORES) % 200
    wins, longer = rng.random(SCORES), rng.normal(0, 50, size=SCORES)
    timed("win rate at equal length, 2,000 refits", lambda: win_rate(wins, longer, who))
    marks = rng.integers(1, 6, size=(3, SCORES))
    rows = marks.tolist()
    timed("alpha, ordinal, 3 raters", lambda: alpha(rows))
    timed("Spearman", lambda: spearman(marks[0], marks[1]))
    timed("Kendall, tau-b", lambda: kendall(marks[0], marks[1]))
    ids = [np.arange(SCORES) // step % size for step, size in ((50, 200), (10, 5), (5, 2), (1, 5))]
    timed("variance of six sources", lambda: components(values, *ids))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'memory at its peak':56} {peak:7.0f} MB")


if __name__ == "__main__":
    main()
