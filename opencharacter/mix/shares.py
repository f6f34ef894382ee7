"""How many rows of each kind a mixture has: by method, by user turns and by source, to the row.

Rows are given out by Sainte-Lague, level by level: first to the methods, of each method to
dialogues of more and of one user turn, of each of these to the sources. Every level gives each at
least as much of a larger total, so that a smaller mixture is part of a larger one.
"""

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heapreplace
from typing import NamedTuple, TypeVar

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError

_ROUNDING = Fraction(1, 10**9)  # as in `MixConfig`
_OTHERS = ""  # no source or method has this name: all that have no share of their own


class Cell(NamedTuple):
    """Rows that no share tells apart."""

    method: str
    """Empty = all methods without a share of their own."""
    is_multi_turn: bool
    """Whether there is more than one user turn; False everywhere unless that has a share."""
    source: str


Key = TypeVar("Key", str, bool, Cell)


class _Part(NamedTuple):
    """One source with a share, or all others."""

    share: Fraction
    multi: int
    """Rows of more than one user turn."""
    single: int

    def multi_turn_rows(self, total: Fraction) -> tuple[Fraction, Fraction]:
        """Return the fewest and the most multi-turn rows of its share of `total`.

        The fewest are more than the most where there are too few rows for the share.
        """
        wanted = self.share * total
        return max(Fraction(0), wanted - self.single), min(Fraction(self.multi), wanted)


class _Group(NamedTuple):
    """The rows of one method, or of all methods without a share."""

    share: Fraction
    sizes: dict[Cell, int]
    parts: dict[str, _Part]
    """By source, or `_OTHERS`."""

    def rows(self, is_multi_turn: bool | None = None) -> int:
        """Count the rows, all or those of one kind."""
        return sum(
            size for cell, size in self.sizes.items() if is_multi_turn in (None, cell.is_multi_turn)
        )


class _Limit(NamedTuple):
    """The largest total that a share allows, and why it is not larger."""

    rows: int
    because: str


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of a mixture, over the rows there are."""

    groups: dict[str, _Group]
    """By method, or `_OTHERS`."""
    multi_turn: Fraction
    rows: int
    """The largest total that satisfies every share exactly."""

    def apportion(self, total: int) -> dict[Cell, int]:
        """Return how many rows of each cell make up `total`, which is at most `self.rows`."""
        shares = {name: group.share for name, group in self.groups.items()}
        room = {name: group.rows() for name, group in self.groups.items()}
        found: dict[Cell, int] = {}
        for name, n in _sainte_lague(shares, room, total).items():
            found |= self._of_group(self.groups[name], n)
        return found

    def _of_group(self, group: _Group, total: int) -> dict[Cell, int]:
        shares = {True: self.multi_turn, False: 1 - self.multi_turn}
        counts = _sainte_lague(shares, {kind: group.rows(kind) for kind in shares}, total)
        rows = group.share * self.rows
        multi = _spread(group.parts, rows, self.multi_turn)
        single = {name: part.share * rows - multi[name] for name, part in group.parts.items()}
        return self._of_kind(group, True, multi, counts[True]) | self._of_kind(
            group, False, single, counts[False]
        )

    @staticmethod
    def _of_kind(
        group: _Group, kind: bool, weights: Mapping[str, Fraction], total: int
    ) -> dict[Cell, int]:
        """Share out the rows of one kind over the sources: to those without a share by size."""
        mine = {cell: n for cell, n in group.sizes.items() if cell.is_multi_turn is kind}
        room = {name: part.multi if kind else part.single for name, part in group.parts.items()}
        by_part = _sainte_lague(weights, room, total)
        others = {cell: n for cell, n in mine.items() if cell.source not in group.parts}
        by_size = {cell: Fraction(n) for cell, n in others.items()}
        found = {cell: by_part.get(cell.source, 0) for cell in mine}
        return found | _sainte_lague(by_size, others, by_part[_OTHERS])


def plan_shares(sizes: Mapping[Cell, int], config: MixConfig) -> Shares:
    """Find the largest total for which every share holds exactly.

    Args:
        sizes: Rows there are, of every source and method that there is.
        config: The shares, and the size.

    Raises:
        ConfigError: there are fewer rows than `config.n`, or the shares leave none at all.
    """
    multi_turn = _exact(config.multi_turn or 0.0)
    groups = _groups(sizes, config)
    limit = min(_limits(groups, multi_turn, config), key=lambda limit: limit.rows)

    def is_too_much(total: int) -> bool:
        return not all(_holds(g.parts, g.share * total, multi_turn) for g in groups.values())

    # If all shares hold together for a total, they do for every smaller one.
    rows = bisect_left(range(1, limit.rows + 1), True, key=is_too_much)
    if rows < limit.rows:
        limit = _Limit(rows, "mix.shares and mix.multi_turn hold together for no more")
    if config.n is not None and config.n > limit.rows:
        raise ConfigError(
            f"mix.n asks for {config.n:,} rows but {limit.rows:,} are available "
            f"({limit.because}); lower mix.n, or loosen what decides them: mix.shares, "
            "mix.method_shares, mix.multi_turn, mix.caps or mix.n_characters"
        )
    if _has_shares(config) and limit.rows == 0 and sizes:
        raise ConfigError(
            f"mix.shares leave no rows at all ({limit.because}); change mix.shares, "
            "mix.method_shares, mix.multi_turn or mix.caps"
        )
    return Shares(groups, multi_turn, rows)


def _groups(sizes: Mapping[Cell, int], config: MixConfig) -> dict[str, _Group]:
    sources = _with_others(config.shares)
    found: dict[str, _Group] = {}
    for method, share in _with_others(config.method_shares).items():
        mine = {cell: size for cell, size in sizes.items() if cell.method == method}
        counts: Counter[tuple[str, bool]] = Counter()
        for cell, size in mine.items():
            name = cell.source if cell.source in sources else _OTHERS
            counts[name, cell.is_multi_turn] += size
        parts = {
            name: _Part(of_source, counts[name, True], counts[name, False])
            for name, of_source in sources.items()
        }
        found[method] = _Group(share, mine, parts)
    return found


def _limits(
    groups: Mapping[str, _Group], multi_turn: Fraction, config: MixConfig
) -> Iterator[_Limit]:
    """Yield what each share allows by itself; at least one."""
    if not _has_shares(config):
        sizes = {cell.source: n for group in groups.values() for cell, n in group.sizes.items()}
        each = ", ".join(f"{source} {sizes[source]:,}" for source in sorted(sizes))
        yield _Limit(sum(sizes.values()), f"by source: {each or 'none'}")
    for method, group in groups.items():
        if not group.share:
            continue
        whose = f" of {method or 'the other methods'}" if config.method_shares else ""
        if config.method_shares:
            yield _limit(group.rows(), group.share, Fraction(1), whose.removeprefix(" of "))
        if config.shares:
            yield from _source_limits(group, whose)
        if config.multi_turn is not None:
            turns = f"more than one user turn{whose}"
            yield _limit(group.rows(True), multi_turn, group.share, turns)
            yield _limit(group.rows(False), 1 - multi_turn, group.share, f"one user turn{whose}")


def _source_limits(group: _Group, whose: str) -> Iterator[_Limit]:
    for name, part in sorted(group.parts.items()):
        others = sorted({cell.source for cell in group.sizes} - set(group.parts))
        what = name or ", ".join(others) or "no other source"
        which = "its" if name else "the remaining"
        yield _limit(part.multi + part.single, part.share, group.share, what + whose, which)


def _limit(rows: int, share: Fraction, of: Fraction, what: str, which: str = "its") -> _Limit:
    """Return the largest total of which `rows` can be the `share` of the share `of`."""
    because = f"{what} has {rows:,} rows for {which} share of {float(share):g}"
    return _Limit(int(rows / (share * of)) if share else sys.maxsize, because)


def _holds(parts: Mapping[str, _Part], total: Fraction, multi_turn: Fraction) -> bool:
    bounds = [part.multi_turn_rows(total) for part in parts.values()]
    least, most = (sum(column, Fraction(0)) for column in zip(*bounds, strict=True))
    return all(low <= high for low, high in bounds) and least <= multi_turn * total <= most


def _spread(
    parts: Mapping[str, _Part], total: Fraction, multi_turn: Fraction
) -> dict[str, Fraction]:
    """Share out the multi-turn rows of `total` over the sources.

    From the fewest that a source must have to the most that it can, all go the same part of the
    way.
    """
    bounds = {name: part.multi_turn_rows(total) for name, part in parts.items()}
    missing = multi_turn * total - sum(low for low, _ in bounds.values())
    room = sum(high - low for low, high in bounds.values())
    way = missing / room if room else Fraction(0)
    return {name: low + way * (high - low) for name, (low, high) in bounds.items()}


def _has_shares(config: MixConfig) -> bool:
    return bool(config.shares or config.method_shares or config.multi_turn is not None)


def _exact(share: float) -> Fraction:
    """Return the share as the decimal that was written: 0.3 is 3/10, not the nearest double."""
    return Fraction(str(share))


def _with_others(listed: Mapping[str, float]) -> dict[str, Fraction]:
    """Return the shares, with what is left for all others; three times 1/3 leaves nothing."""
    shares = {name: _exact(share) for name, share in listed.items()}
    rest = 1 - sum(shares.values(), Fraction(0))
    return shares | {_OTHERS: rest if rest > _ROUNDING else Fraction(0)}


def _sainte_lague(
    weights: Mapping[Key, Fraction], room: Mapping[Key, int], total: int
) -> dict[Key, int]:
    """Give out `total` rows one by one, each to whoever has least for its weight, up to `room`."""
    counts = dict.fromkeys(weights, 0)
    heap = [(1 / float(w), name) for name, w in weights.items() if w > 0 and room[name] > 0]
    heapify(heap)
    for _ in range(total):
        _, name = heap[0]
        counts[name] += 1
        is_full = counts[name] == room[name]
        key = float("inf") if is_full else (2 * counts[name] + 1) / float(weights[name])
        heapreplace(heap, (key, name))
    return counts
