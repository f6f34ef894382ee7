"""Several dialogues in one row, over the whole data set at once.

Best-fit decreasing (Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv
2404.10830), as TRL's `bfd`; TRL packs 1,000 rows at a time, which leaves more empty, and cuts what
is too long. Here a bin may take any row, and no row is cut. Where all rows are about as long as
each other, best fit leaves much of a bin empty; then each bin is filled as full as any choice of
rows fills it (minimum bin slack; Gupta and Ho 1999), which takes longer. And where three rows of
the mean length hardly fit, filling bins around the longest rows uses up the short ones, and the
others are left in twos: then the longest are put together, and the rest is short enough for threes.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Sequence

from opencharacter.errors import TrainingError
from opencharacter.ids import shuffled

FULL = 0.98
"""Share of the bins that best fit has to fill; below it the slower ways are tried too."""
_SAMPLE = 1_000  # rows on which it is tried how many of the longest stand apart
_TRIED = 32  # shares of them, up to a half


def pack(lengths: Sequence[int], max_length: int, *, seed: int) -> list[list[int]]:
    """Put rows into as few bins as are found.

    Args:
        lengths: Tokens of each row.
        max_length: Tokens of a bin.
        seed: Of the order of the bins, which stand sorted by their longest row else.

    Returns:
        Numbers of the rows in each bin; each row is in one bin.

    Raises:
        TrainingError: a row is longer than a bin.
    """
    if not lengths:
        return []
    if max(lengths) > max_length:
        raise TrainingError(f"a row of {max(lengths):,} tokens is longer than {max_length:,}")
    bins = best_fit(lengths, max_length)
    if efficiency(lengths, len(bins), max_length) < FULL:
        bins = min(bins, least_slack(lengths, max_length), key=len)
    if efficiency(lengths, len(bins), max_length) < FULL:
        bins = min(bins, longest_apart(lengths, max_length), key=len)
    return [bins[int(n)] for n in shuffled(map(str, range(len(bins))), "packs", seed)]


def efficiency(lengths: Sequence[int], n_bins: int, max_length: int) -> float:
    """Return the share of the bins' tokens that rows fill, in (0, 1]."""
    return sum(lengths) / (n_bins * max_length)


def best_fit(lengths: Sequence[int], max_length: int) -> list[list[int]]:
    """Put each row, the longest first, where it leaves least empty; as `pack`, without its order.

    Takes n log n for n rows.
    """
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
    return bins


def least_slack(lengths: Sequence[int], max_length: int) -> list[list[int]]:
    """Fill one bin after another as full as the rows that are left can; as `pack`, unordered.

    Takes bins times different lengths; best for rows that are all about as long.
    """
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for row, length in enumerate(lengths):
        by_length[length].append(row)
    left = Counter(lengths)
    bins: list[list[int]] = []
    while left:
        longest = max(left)
        taken = Counter([longest])
        taken += _fill(left - taken, max_length - longest)
        left -= taken
        bins.append([by_length[length].pop() for length in taken.elements()])
    return bins


def longest_apart(lengths: Sequence[int], max_length: int) -> list[list[int]]:
    """Fill bins with some of the longest rows, and others with all else; as `pack`, unordered.

    How many stand apart is tried out on a sample, so it takes little longer than `least_slack`.
    """
    longest_first = sorted(range(len(lengths)), key=lambda row: -lengths[row])

    def packed(rows: Sequence[int], tried: int) -> list[list[int]]:
        n_apart = len(rows) * tried // (2 * _TRIED)
        return [
            [part[place] for place in one]
            for part in (rows[:n_apart], rows[n_apart:])
            for one in least_slack([lengths[row] for row in part], max_length)
        ]

    sample = longest_first[:: -(-len(lengths) // _SAMPLE)]
    best = min(range(_TRIED + 1), key=lambda tried: len(packed(sample, tried)))
    return packed(longest_first, best)


def _fill(left: Counter[int], room: int) -> Counter[int]:
    """Return the rows whose sum comes nearest to `room` from below, long ones where it may choose.

    Args:
        left: How many rows there are of each length.
        room: Tokens.
    """
    sizes = sorted((length for length in left if length <= room), reverse=True)
    sums = [1]  # bit n of sums[i] = some rows of the first i sizes have n tokens together
    for size in sizes:
        known = sums[-1]
        for _ in range(min(left[size], room // size)):
            known |= (known << size) & ((1 << room + 1) - 1)
        sums.append(known)
    total = sums[-1].bit_length() - 1
    taken: Counter[int] = Counter()
    for before, size in zip(reversed(sums[:-1]), reversed(sizes), strict=True):
        while not before >> total & 1:
            taken[size] += 1
            total -= size
    return taken
