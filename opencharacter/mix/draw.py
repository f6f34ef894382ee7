"""Which responses enter a mixture: by method, draw, caps, shares and size, nested in the size."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heapreplace
from typing import NamedTuple

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError, StoreError
from opencharacter.ids import stable_number
from opencharacter.records import Method, Split

_ROUNDING = Fraction(1, 10**9)  # as in `MixConfig`


class Candidate(NamedTuple):
    """What has to be known of a response to decide whether it enters."""

    response_id: str
    source: str
    method: Method
    draw: int
    """Its character is the draw-th (from 0) of the instruction."""
    split: Split
    """Of the persona behind the character."""
    character_id: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Every candidate, either kept or left out with a reason."""

    kept: frozenset[str]
    """Response ids."""
    left_out: dict[str, str]
    """Response id -> `heldout`, `method`, `draw`, `per_character`, `cap`, `share` or `n`, the first
    that applies."""

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out for each reason."""
        return dict(sorted(Counter(self.left_out.values()).items()))


def draw_rows(candidates: Iterable[Candidate], *, config: MixConfig, seed: int) -> Drawn:
    """Choose the responses of a mixture; a smaller `config.n` gives a subset of a larger one.

    Within a source rows are taken in the order of a hash of seed and id. Sources get rows by
    Sainte-Lague, whose counts only grow with the total: first the sources with a share and all
    others as one, then these by their size after caps. The total is at most what satisfies every
    share exactly (`rows / share`, rounded down).

    Args:
        candidates: In any order; read once.
        config: Methods, draws, caps, shares and size.
        seed: Of the run.

    Raises:
        ConfigError: An unknown source is named, a share cannot be met, or `n` rows or draws.
        StoreError: A response stands there twice.
    """
    left_out: dict[str, str] = {}
    queues: dict[str, list[_Queued]] = {}
    seen: set[str] = set()
    draws = 0
    for candidate in candidates:
        _note_new(candidate, seen)
        queue = queues.setdefault(candidate.source, [])
        reason = _left_out_because(candidate, config)
        if reason in (None, "draw"):
            draws = max(draws, candidate.draw + 1)
        if reason is None:
            key = stable_number("mix", seed, candidate.response_id)
            queue.append(_Queued(key, candidate.response_id, candidate.character_id))
        else:
            left_out[candidate.response_id] = reason
    _check_draws(config, draws)
    _check_names(config, queues)
    if config.per_character is not None:
        left_out |= _cap_characters(queues, config.per_character)
    sizes = {
        source: min(len(queue), config.caps.get(source, len(queue)))
        for source, queue in queues.items()
    }
    limit = _limit(sizes, config)
    by_share = _apportion(sizes, config.shares, limit.rows)
    counts = by_share if config.n is None else _apportion(sizes, config.shares, config.n)
    kept: list[str] = []
    for source, queue in queues.items():
        queue.sort()
        ids = [queued.response_id for queued in queue]
        kept += ids[: counts[source]]
        left_out |= dict.fromkeys(ids[counts[source] : by_share[source]], "n")
        left_out |= dict.fromkeys(ids[by_share[source] : sizes[source]], "share")
        left_out |= dict.fromkeys(ids[sizes[source] :], "cap")
    return Drawn(frozenset(kept), left_out)


def may_enter(candidate: Candidate, config: MixConfig) -> bool:
    """Say whether a response could be drawn, apart from shares, caps and sizes."""
    return _left_out_because(candidate, config) is None


class _Queued(NamedTuple):
    """A response that may enter, in the order in which they do."""

    key: int
    response_id: str
    character_id: str


def _cap_characters(queues: dict[str, list[_Queued]], most: int) -> dict[str, str]:
    """Take all but the first `most` rows of each character out of the queues; return those."""
    taken: Counter[str] = Counter()
    left_out: dict[str, str] = {}
    for queued in sorted(queued for queue in queues.values() for queued in queue):
        taken[queued.character_id] += 1
        if taken[queued.character_id] > most:
            left_out[queued.response_id] = "per_character"
    for source, queue in queues.items():
        queues[source] = [queued for queued in queue if queued.response_id not in left_out]
    return left_out


def _left_out_because(candidate: Candidate, config: MixConfig) -> str | None:
    if candidate.split is not Split.train:
        return "heldout"
    if config.methods and candidate.method not in config.methods:
        return "method"
    if config.n_characters is not None and candidate.draw >= config.n_characters:
        return "draw"
    return None


def _note_new(candidate: Candidate, seen: set[str]) -> None:
    """Add a response to those seen; its id is a hash of one piece of work, so it is new."""
    if candidate.response_id in seen:
        raise StoreError(
            f"{candidate.response_id} stands twice among the responses, so a file was added or "
            f"changed by hand; start over with: stage={candidate.method} force=true"
        )
    seen.add(candidate.response_id)


def _check_draws(config: MixConfig, draws: int) -> None:
    if draws and config.n_characters is not None and config.n_characters > draws:
        raise ConfigError(
            f"mix.n_characters asks for {config.n_characters} characters per instruction but the "
            f"responses have {draws}; lower it, or start the stages that made them over with "
            f"synth.n_characters={config.n_characters} force=true"
        )


def _check_names(config: MixConfig, known: Iterable[str]) -> None:
    names = sorted(known)
    for setting, given in (("shares", config.shares), ("caps", config.caps)):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ConfigError(
                f"mix.{setting} names {', '.join(unknown)}, but the responses come from "
                f"{', '.join(names) or 'no source at all'}; use these names"
            )
    negative = sorted(source for source, cap in config.caps.items() if cap < 0)
    if negative:
        raise ConfigError(f"mix.caps of {', '.join(negative)} is below 0; use 0 or more rows")


class _Limit(NamedTuple):
    """The largest total that satisfies the shares, and what keeps it from being larger."""

    rows: int
    because: str


def _limit(sizes: Mapping[str, int], config: MixConfig) -> _Limit:
    """Return the most rows there can be, checked against `config.n`."""
    listed = {source: _exact(share) for source, share in config.shares.items()}
    others = [source for source in sorted(sizes) if source not in listed]
    limits = [
        _Limit(
            int(sizes[source] / share),
            f"{source} has {sizes[source]:,} rows for its share of {float(share):g}",
        )
        for source, share in sorted(listed.items())
        if share > 0
    ]
    rest = _rest(listed)
    if listed and rest > 0:
        available = sum(sizes[source] for source in others)
        limits.append(
            _Limit(
                int(available / rest),
                f"{', '.join(others) or 'no other source'} has {available:,} rows "
                f"for the remaining share of {float(rest):g}",
            )
        )
    if not listed:
        available = sum(sizes.values())
        each = ", ".join(f"{source} {sizes[source]:,}" for source in others)
        limits.append(_Limit(available, f"by source: {each or 'none'}"))
    limit = min(limits, key=lambda limit: limit.rows)
    if config.n is not None and config.n > limit.rows:
        raise ConfigError(
            f"mix.n asks for {config.n:,} rows but {limit.rows:,} are available "
            f"({limit.because}); lower mix.n, or loosen mix.shares, mix.caps or mix.n_characters"
        )
    if listed and limit.rows == 0 and sizes:
        raise ConfigError(
            f"mix.shares leave no rows at all ({limit.because}); change mix.shares or mix.caps"
        )
    return limit


def _exact(share: float) -> Fraction:
    """Return the share as the decimal that was written: 0.3 is 3/10, not the nearest double."""
    return Fraction(str(share))


def _rest(listed: Mapping[str, Fraction]) -> Fraction:
    """Return the share of the sources that are not listed; three times 1/3 leaves nothing."""
    rest = 1 - sum(listed.values(), Fraction(0))
    return rest if rest > _ROUNDING else Fraction(0)


def _apportion(sizes: Mapping[str, int], shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Return rows by source, `total` together; never fewer for a larger `total`."""
    listed = {source: _exact(share) for source, share in shares.items()}
    others = {source: size for source, size in sizes.items() if source not in listed}
    # No source is named "": it stands for all the others together.
    weights = listed | {"": _rest(listed)}
    room = {source: sizes[source] for source in listed} | {"": sum(others.values())}
    counts = _sainte_lague(weights, room, total)
    by_size = {source: Fraction(size) for source, size in others.items()}
    return counts | _sainte_lague(by_size, others, counts.pop(""))


def _sainte_lague(
    weights: Mapping[str, Fraction], room: Mapping[str, int], total: int
) -> dict[str, int]:
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
