"""Data whose truth is known, and how often an interval holds it."""

import numpy as np


def coverage(draw, interval, truth, *, runs):
    """Return the share of `runs` simulated data sets whose interval holds the truth."""
    held = 0
    for run in range(runs):
        found = interval(*draw(np.random.default_rng([7, run])), run)
        held += found.low <= truth <= found.high
    return held / runs


def scores(rng, *, characters, rows=5, between=0.6, within=0.8, mean=0.0):
    """Return scores of a mean, and the character of each: `rows` each, or 1 to 19 if None."""
    sizes = rng.integers(1, 20, size=characters) if rows is None else np.full(characters, rows)
    who = np.repeat(np.arange(characters), sizes)
    return mean + between * rng.normal(size=characters)[who] + within * rng.normal(
        size=len(who)
    ), who


def likert(rng, *, characters, rows=5):
    """Return marks 1 to 5 near the top of the scale, and the character of each."""
    latent, who = scores(rng, characters=characters, rows=rows, mean=1.6)
    return 1.0 + (latent[:, None] > CUTS).sum(axis=1), who


CUTS = np.array([-1.5, -0.5, 0.5, 1.5])
