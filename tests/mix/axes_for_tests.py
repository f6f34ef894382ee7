"""Scoring functions, named in tests as `tests.mix.axes_for_tests:...`."""


def legs(texts: list[str]) -> list[float]:
    """Return the number in `How many legs have 5 cats?`, 0 without one."""
    return [float(next((word for word in text.split() if word.isdigit()), 0)) for text in texts]


def no(texts: list[str]) -> list[float]:
    """Return no number for any text."""
    return [float("nan")] * len(texts)


def legs_or_nothing(texts: list[str]) -> list[float | None]:
    """Do the same, with no score for 13."""
    return [None if score == 13 else score for score in legs(texts)]
