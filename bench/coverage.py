"""How often each interval of the statistics holds the truth, by simulation.

    python bench/coverage.py [part of a name ...]      # e.g. mean, share, win, jackknife

Each line: what, in which data, with how many characters, runs, the share of intervals at 0.95 that
hold the truth, and their median width. The standard error of a share of 0.95 is 0.7 points in
1,000 runs. Tests: the share of runs in which a true null is refused at 0.05.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from opencharacter.stats.agreement import alpha_of, kappa
from opencharacter.stats.correlation import spearman
from opencharacter.stats.intervals import clustered_share, contrast_interval, mean_interval
from opencharacter.stats.jackknife import jackknife
from opencharacter.stats.jury import self_preference
from opencharacter.stats.paired import equivalent, no_worse, sign_flip
from opencharacter.stats.variance import components
from opencharacter.stats.winrate import padding_slope, win_rate

Rng = np.random.Generator
CUTS = np.array([-1.5, -0.5, 0.5, 1.5])
MANY = 200_000  # characters that a truth is taken from
DRAWS = 999
JUDGES = {"a": "llama", "b": "qwen", "c": "gemma"}


def scores(rng: Rng, k: int, kind: str) -> tuple[Any, Any]:
    """Return scores and characters; a third of the variance is between characters."""
    sizes = rng.integers(1, 20, size=k) if kind == "uneven" else np.full(k, 5)
    who = np.repeat(np.arange(k), sizes)
    if kind == "share of 0.1":
        return (rng.random(len(who)) < rng.beta(0.5, 4.5, size=k)[who]).astype(float), who
    y = 0.6 * rng.normal(size=k)[who] + 0.8 * rng.normal(size=len(who))
    if kind == "marks":
        y = 1.0 + ((y + 1.6)[:, None] > CUTS).sum(axis=1)
    return y, who


def expit(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def comparisons(rng: Rng, k: int) -> tuple[Any, Any, Any]:
    """Return preferences, differences in length, characters."""
    who = np.repeat(np.arange(k), 5)
    longer = rng.normal(30, 40, size=len(who))
    chances = expit(0.4 + 0.5 * rng.normal(size=k)[who] + np.tanh(longer / 40))
    return (rng.random(len(who)) < chances).astype(float), longer, who


def padded(rng: Rng, k: int) -> tuple[Any, Any, Any, Any]:
    """Return scores, lengths, answers, characters; filler adds 0.25 a unit."""
    answers = np.repeat(np.arange(3 * k), 3)
    filler = np.tile([0.0, 0.5, 1.0], 3 * k)
    slope = 0.25 + 0.2 * rng.normal(size=k)[answers // 3]
    y = rng.normal(3, 1, size=3 * k)[answers] + slope * filler + 0.3 * rng.normal(size=len(answers))
    return y, filler, answers, answers // 3


def labelled(rng: Rng, k: int) -> tuple[Any, Any]:
    """Return marks of two raters (2, n) and characters."""
    who = np.repeat(np.arange(k), 5)
    latent = 0.6 * rng.normal(size=k)[who] + 0.8 * rng.normal(size=len(who))
    seen = latent + 0.4 * rng.normal(size=(2, k))[:, who] + 0.7 * rng.normal(size=(2, len(who)))
    return 1.0 + (seen[..., None] > CUTS * 0.8).sum(axis=-1), who


def judged(rng: Rng, k: int) -> tuple[dict[str, list[float]], list[str], Any]:
    """Return marks of three judges that each give 0.4 more to their own family."""
    families, who = np.tile(["llama", "qwen", "gemma"], k), np.repeat(np.arange(k), 3)
    quality = rng.normal(3, 0.7, size=k)[who]
    marks = {}
    for judge, family in JUDGES.items():
        likes = (0.4 + 0.3 * rng.normal(size=k)[who]) * (families == family)
        marks[judge] = (quality + likes + 0.4 * rng.normal(size=len(who))).tolist()
    return marks, families.tolist(), who


def answered(rng: Rng, k: int) -> tuple[Any, ...]:
    """Return scores, characters, items, samples, judges; all sources vary by 1."""
    shape = (k, 3, 2, 3)
    ids = np.meshgrid(*map(np.arange, shape), indexing="ij")
    y = rng.normal(size=shape)
    for wide in ((k, 1, 1, 1), (k, 3, 1, 1), (k, 3, 2, 1), (1, 1, 1, 3), (k, 1, 1, 3)):
        y = y + rng.normal(size=wide)
    return (y.ravel(), *(axis.ravel() for axis in ids))


Case = tuple[str, int, int, Callable[[Rng, int], Any], float]


def means() -> Iterator[Case]:
    """Yield the intervals of means and shares."""
    for kind in ("even", "uneven", "marks", "share of 0.1"):
        truth = {"even": 0.0, "uneven": 0.0, "share of 0.1": 0.1}.get(kind)
        if truth is None:
            truth = float(scores(np.random.default_rng(0), MANY, kind)[0].mean())
        for k in (3, 4, 5, 6, 8, 10, 20, 50, 200):
            for method in ("studentised", "t", "bca", "percentile"):
                yield (
                    f"mean, {kind}, {method}",
                    k,
                    2000,
                    lambda rng, k, kind=kind, method=method: mean_interval(
                        *scores(rng, k, kind), method=method, draws=DRAWS, seed=k
                    ),
                    truth,
                )
            if kind == "share of 0.1":
                yield (
                    "share of 0.1, clustered_share",
                    k,
                    2000,
                    lambda rng, k: clustered_share(*scores(rng, k, "share of 0.1")),
                    0.1,
                )
    for k in (20, 200):
        yield (
            "mean, rows as the unit, each three times",
            k,
            2000,
            lambda rng, k: mean_interval(np.tile(scores(rng, k, "even")[0], 3), method="t"),
            0.0,
        )


def figures() -> Iterator[Case]:
    """Yield the other intervals."""
    marks, every = labelled(np.random.default_rng(0), 40_000)
    chosen: dict[str, Callable[[Any, Any], float | None]] = {
        "alpha, ordinal": lambda m, rows: alpha_of(m[:, rows].ravel(), np.tile(rows, 2)),
        "alpha, nominal": lambda m, rows: alpha_of(m[:, rows].ravel(), np.tile(rows, 2), "nominal"),
        "kappa, quadratic": lambda m, rows: kappa(m[0, rows], m[1, rows]),
        "kappa, linear": lambda m, rows: kappa(m[0, rows], m[1, rows], "linear"),
        "kappa, none": lambda m, rows: kappa(m[0, rows], m[1, rows], "none"),
        "Spearman": lambda m, rows: spearman(m[0, rows], m[1, rows]),
    }
    for name, figure in chosen.items():
        truth = figure(marks, np.arange(len(every)))

        def interval(rng: Rng, k: int, figure: Any = figure) -> Any:
            m, who = labelled(rng, k)
            return jackknife(lambda rows: figure(m, rows), who, scale="fisher")

        for k in (10, 20, 40):
            yield f"jackknife of {name}", k, 1000, interval, float(truth or 0)
    tastes = 0.5 * np.random.default_rng(0).normal(size=MANY)
    for k, rows, p in ((10, 5, 0.8), (10, 5, 0.95), (20, 5, 0.95), (20, 2, 0.97), (50, 2, 0.97)):
        yield (
            f"win rate of {p}, {rows} rows a character",
            k,
            500,
            lambda rng, k, rows=rows, p=p: (
                win_rate(
                    (rng.random(k * rows) < p).astype(float),
                    rng.normal(size=k * rows),
                    np.repeat(np.arange(k), rows),
                    draws=200,
                    seed=k,
                ).controlled
            ),
            p,
        )
    for k in (10, 20, 50):
        yield (
            "win rate at equal length",
            k,
            500,
            lambda rng, k: win_rate(*comparisons(rng, k), draws=200, seed=k).controlled,
            float(expit(0.4 + tastes).mean()),
        )
        yield "padding slope", k, 2000, lambda rng, k: padding_slope(*padded(rng, k)), 0.25
        yield "self-preference", k, 1000, preference, 0.4
        yield "self-preference, one spread", k, 1000, spread_preference, 0.0
        yield "contrast of characters, k and 3 k", k, 2000, contrast, 0.0
        yield "jackknife of a variance's share", k, 200, share, 1 / 6


def preference(rng: Rng, k: int) -> Any:
    """Return the self-preference of the first judge."""
    marks, families, who = judged(rng, k)
    return self_preference(marks, JUDGES, families, who)[0].estimate


def spread_preference(rng: Rng, k: int) -> Any:
    """Return the self-preference, 0, of a judge beside one that uses half of the scale."""
    families, who = np.tile(["llama", "qwen"], 3 * k), np.repeat(np.arange(k), 6)
    quality = rng.normal(3, 0.7, size=k)[who] + 0.8 * (families == "llama")
    noisy = quality + 0.4 * rng.normal(size=(3, len(who)))
    marks = {"a": noisy[0].tolist(), "b": (1 + noisy[1] / 2).tolist(), "c": noisy[2].tolist()}
    whose = {"a": "llama", "b": "gemma", "c": "gpt"}
    return self_preference(marks, whose, families.tolist(), who, one_spread=True)[0].estimate


def contrast(rng: Rng, k: int) -> Any:
    """Return the interval of a difference that is 0."""
    y, who = scores(rng, 4 * k, "even")
    return contrast_interval(y, who < k, who)


def share(rng: Rng, k: int) -> Any:
    """Return the interval of the share of variance between characters."""
    columns = answered(rng, k)
    return jackknife(
        lambda rows: components(*(column[rows] for column in columns))["character"].share,
        columns[1],
    )


def nulls(runs: int) -> None:
    """Print how often true nulls are refused."""
    for k in (5, 10, 20, 50):
        refused = {"sign flips": 0, "no worse, at the margin": 0, "equivalent, at the margin": 0}
        for run in range(runs):
            y, who = scores(np.random.default_rng([run, k]), k, "even")
            refused["sign flips"] += (sign_flip(y, who, draws=DRAWS) or 0) <= 0.05
            at_margin = mean_interval(y - 0.5, who, method="t")
            refused["no worse, at the margin"] += no_worse(at_margin, 0.5).holds is True
            refused["equivalent, at the margin"] += equivalent(at_margin, 0.5).holds is True
        for name, count in refused.items():
            print(f"{'test: ' + name:46} {k:5} {runs:6,} {count / runs:8.3f}", flush=True)


def main() -> None:
    """Simulate what the arguments name, or all."""
    print(f"{'what':46} {'chars':>5} {'runs':>6} {'holds':>8} {'width':>8}")
    for cases in (means, figures):
        for name, k, runs, interval, truth in cases():
            if sys.argv[1:] and not any(part in name for part in sys.argv[1:]):
                continue
            found = [interval(np.random.default_rng([run, k]), k) for run in range(runs)]
            ends = np.array([(one.low, one.high) for one in found if one.low is not None])
            held = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()
            width = np.median(ends[:, 1] - ends[:, 0])
            print(f"{name:46} {k:5} {len(ends):6,} {held:8.3f} {width:8.3f}", flush=True)
    if not sys.argv[1:] or "test" in sys.argv[1:]:
        nulls(2000)


if __name__ == "__main__":
    main()
