"""What keeps a response out of a mixture."""

from enum import StrEnum


class Contamination(StrEnum):
    """What becomes of a row that overlaps with an evaluation suite."""

    reject = "reject"
    keep = "keep"
