"""Several dialogues in one row, over the whole data set at once.

Best-fit decreasing (Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv
2404.10830), as TRL's `bfd`; TRL packs 1,000 rows at a time, which leaves more empty, and cuts what
is too long. Here a bin may take any row, and no row is cut.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence

from opencharacter.errors import TrainingError
from opencharacter.ids import shuffled


def pack(lengths: Sequence[int], max_length: int, *, seed: int) -> list[list[int]]:
    """Put rows into as few bins as best-fit decreasing finds.

    Args:
        lengths: Tokens of each row.
        max_length: Tokens of a bin.
        seed: Of the order of the bins, which best fit leaves sorted by their longest row.

    Returns:
        Numbers of the rows in each bin; each row is in one bin.

    Raises:
        TrainingError: a row is longer than a bin.
    """
    if lengths and max(lengths) > max_length:
        raise TrainingError(f"a row of {max(lengths):,} tokens is longer than {max_length:,}")
    bins: list[list[int]] = []
    rooms: list[int] = []  # free tokens of bins with any, each size once, ascending
    by_room: defaultdict[int, list[int]] = defaultdict(list)  # bins with so many free tokens
    for row in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        length = lengths[row]
        at = bisect_left(rooms, length)
        if at == len(rooms):
            number, room = len(bins), max_length
            bins.append([])
        else:
            room = rooms[at]
            number = by_room[room].pop()
            if not by_room[room]:
                del rooms[at]
        bins[number].append(row)
        left = room - length
        if left and not by_room[left]:
            insort(rooms, left)
        if left:
            by_room[left].append(number)
    return [bins[int(n)] for n in shuffled(map(str, range(len(bins))), "packs", seed)]


def efficiency(lengths: Sequence[int], n_bins: int, max_length: int) -> float:
    """Return the share of the bins' tokens that rows fill, in (0, 1]."""
    return sum(lengths) / (n_bins * max_length)
