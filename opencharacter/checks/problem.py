"""A problem: what a check returns when it finds one."""

from typing import NamedTuple


class Problem(NamedTuple):
    """Why something is left out."""

    reason: str
    """A short fixed word; manifests count by it."""
    detail: str
    """What was found."""
