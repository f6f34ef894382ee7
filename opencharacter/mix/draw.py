"""Which responses enter a mixture: by method, draw, caps, shares and size, nested in the size."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError, StoreError
from opencharacter.ids import stable_number
from opencharacter.mix.shares import Cell, plan_shares
from opencharacter.records import Method, Split

ANY = ""
"""Method of cells whose method has no share."""


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
    user_turns: int = 1


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


def draw_rows(
    candidates: Iterable[Candidate],
    *,
    config: MixConfig,
    seed: int,
    refused: Container[str] = (),
) -> Drawn:
    """Choose the responses of a mixture; a smaller `config.n` gives a subset of a larger one.

    Within a source rows are taken in the order of a hash of seed and id; how many of each source,
    method and number of turns, `mix.shares` says. The total is at most what satisfies every share
    exactly (`rows / share`, rounded down).

    Args:
        candidates: In any order; read once.
        config: Methods, draws, caps, shares and size.
        seed: Of the mixture.
        refused: Ids of responses that may not enter for what they say; neither kept nor left out.

    Raises:
        ConfigError: An unknown source is named, a share cannot be met, or `n` rows or draws.
        StoreError: A response stands there twice.
    """
    left_out: dict[str, str] = {}
    queue: list[_Queued] = []
    sources: set[str] = set()
    seen: dict[str, Method] = {}
    draws = 0
    for candidate in candidates:
        _note_new(candidate, seen)
        sources.add(candidate.source)
        reason = _left_out_because(candidate, config)
        if reason in (None, "draw"):
            draws = max(draws, candidate.draw + 1)
        if reason is not None:
            left_out[candidate.response_id] = reason
        elif candidate.response_id not in refused:
            queue.append(_queued(candidate, config, seed))
    _check_draws(config, draws)
    check_names(config, sources, set(seen.values()))
    queue.sort()
    queue = _capped(queue, config, left_out)
    sizes = Counter({Cell(ANY, False, source): 0 for source in sources})
    sizes.update(queued.cell for queued in queue)
    shares = plan_shares(sizes, config)
    by_share = shares.apportion(shares.rows)
    counts = by_share if config.n is None else shares.apportion(config.n)
    kept: list[str] = []
    taken: Counter[Cell] = Counter()
    for _, response_id, _, cell in queue:
        if taken[cell] < counts[cell]:
            kept.append(response_id)
        else:
            left_out[response_id] = "n" if taken[cell] < by_share[cell] else "share"
        taken[cell] += 1
    return Drawn(frozenset(kept), left_out)


def may_enter(candidate: Candidate, config: MixConfig) -> bool:
    """Say whether a response could be drawn, apart from shares, caps and sizes."""
    return _left_out_because(candidate, config) is None


class _Queued(NamedTuple):
    """A response that may enter, in the order in which they do."""

    key: int
    response_id: str
    character_id: str
    cell: Cell


def _queued(candidate: Candidate, config: MixConfig, seed: int) -> _Queued:
    cell = Cell(
        method=str(candidate.method) if candidate.method in config.method_shares else ANY,
        is_multi_turn=config.multi_turn is not None and candidate.user_turns > 1,
        source=candidate.source,
    )
    key = stable_number("mix", seed, candidate.response_id)
    return _Queued(key, candidate.response_id, candidate.character_id, cell)


def _capped(queue: list[_Queued], config: MixConfig, left_out: dict[str, str]) -> list[_Queued]:
    """Return the rows within the caps, of each character and then of each source the first."""
    of_character: Counter[str] = Counter()
    of_source: Counter[str] = Counter()
    kept: list[_Queued] = []
    for queued in queue:
        _, response_id, character_id, cell = queued
        most = config.caps.get(cell.source)
        if config.per_character is not None and of_character[character_id] >= config.per_character:
            left_out[response_id] = "per_character"
            continue
        of_character[character_id] += 1
        if most is not None and of_source[cell.source] >= most:
            left_out[response_id] = "cap"
            continue
        of_source[cell.source] += 1
        kept.append(queued)
    return kept


def _left_out_because(candidate: Candidate, config: MixConfig) -> str | None:
    if candidate.split is not Split.train:
        return "heldout"
    if config.methods and candidate.method not in config.methods:
        return "method"
    if config.n_characters is not None and candidate.draw >= config.n_characters:
        return "draw"
    return None


def _note_new(candidate: Candidate, seen: dict[str, Method]) -> None:
    """Add a response to those seen; its id is a hash of one piece of work, so it is new."""
    if candidate.response_id in seen:
        raise StoreError(
            f"{candidate.response_id} stands twice among the responses, so a file was added or "
            f"changed by hand; start over with: stage={candidate.method} force=true"
        )
    seen[candidate.response_id] = candidate.method


def _check_draws(config: MixConfig, draws: int) -> None:
    if draws and config.n_characters is not None and config.n_characters > draws:
        raise ConfigError(
            f"mix.n_characters asks for {config.n_characters} characters per instruction but the "
            f"responses have {draws}; lower it, or start the stages that made them over with "
            f"synth.n_characters={config.n_characters} force=true"
        )


def check_names(config: MixConfig, sources: Iterable[str], methods: Iterable[str]) -> None:
    """Check the names of shares and caps against those of the responses.

    Raises:
        ConfigError: there is no such source or method, or a cap is below 0.
    """
    for setting, given, known in (
        ("shares", config.shares, sorted(sources)),
        ("caps", config.caps, sorted(sources)),
        ("method_shares", config.method_shares, sorted(methods)),
    ):
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(
                f"mix.{setting} names {', '.join(unknown)}, but the responses come from "
                f"{', '.join(known) or 'no source at all'}; use these names"
            )
    negative = sorted(source for source, cap in config.caps.items() if cap < 0)
    if negative:
        raise ConfigError(f"mix.caps of {', '.join(negative)} is below 0; use 0 or more rows")
