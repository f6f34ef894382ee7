"""Replay: general dialogues without a character in a mixture, against forgetting.

Fine-tuning on role-play alone makes a model worse at what it could do before; some of the general
data of its kind, mixed in, holds that up (rehearsal; Robins 1995).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from heapq import nsmallest
from itertools import islice
from operator import itemgetter

from opencharacter.config import InstructionsConfig, MixConfig
from opencharacter.errors import ConfigError
from opencharacter.ids import stable_number
from opencharacter.mix.screening import Refusal, instruction_rejection
from opencharacter.records import Instruction, Method, MixtureRow, Rejection
from opencharacter.sources.instructions import read_instructions
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import Tally
from opencharacter.store.manifest import LEFT_OUT, REPLAYED

RENDER_VERSION = "replay"
"""Such rows have no system prompt."""
_UNANSWERED = f"{LEFT_OUT}replay without an answer to every turn"
_AT_ONCE = 512  # rows screened at a time, at least

Screen = Callable[[Sequence[Instruction]], Mapping[str, Refusal]]
"""Says which of some dialogues may not enter, by id."""


def replay_rows(
    config: MixConfig,
    n_roleplay: int,
    *,
    seed: int,
    tally: Tally,
    refuse: Callable[[Instruction], Rejection | None] = lambda _: None,
    screen: Screen = lambda _: {},
) -> Iterator[MixtureRow | Rejection]:
    """Yield so many dialogues with answers that they are `config.replay_share` of the whole.

    A smaller share draws a subset of what a larger one does. Memory holds the rows drawn twice.

    Args:
        config: Sources and share.
        n_roleplay: Rows of the mixture without them.
        seed: Of the run.
        tally: What is read is counted in it.
        refuse: Says why a dialogue may not enter; asked before the draw.
        screen: Does the same at a price; asked only of dialogues that could be drawn.

    Raises:
        ConfigError: the sources have too few dialogues with an answer to every turn.
        SourceError: a source cannot be read.
    """
    if not config.replay_paths:
        return
    share = Fraction(str(config.replay_share))
    wanted = round(n_roleplay * share / (1 - share))
    paths = [pinned(path, None, tally.read_from) for path in config.replay_paths]
    sources = InstructionsConfig(paths=paths, licences=config.replay_licences)
    before = tally.rows
    rejected: list[Rejection] = []

    def answered_ones() -> Iterator[Instruction]:
        for row in read_instructions(sources, seed=seed, tally=tally):
            if isinstance(row, Rejection):
                rejected.append(row)
            elif not row.is_answered:
                tally.note(_UNANSWERED)
            elif refusal := refuse(row):
                rejected.append(refusal)
            else:
                yield row

    order = partial(stable_number, "replay", seed)
    answered, refused = _draw(answered_ones(), wanted, order, screen)
    if len(answered) < wanted:
        by_axes = f" that no axis leaves out ({len(refused):,} are)" if refused else ""
        raise ConfigError(
            f"mix.replay_share={config.replay_share} takes {wanted:,} dialogues, but "
            f"mix.replay_paths have {len(answered):,} with an answer to every turn{by_axes}; lower "
            "it, or name more sources"
        )
    rejected += refused
    not_drawn = tally.rows - before - len(rejected) - len(answered)
    tally.not_drawn += not_drawn
    if beyond := not_drawn - tally.notes.get(_UNANSWERED, 0):
        tally.note(f"{LEFT_OUT}replay_share", beyond)
    tally.note(REPLAYED, len(answered))
    yield from rejected
    yield from map(_row, answered)


def _draw(
    rows: Iterable[Instruction], wanted: int, order: Callable[[str], int], screen: Screen
) -> tuple[list[Instruction], list[Rejection]]:
    """Return the first `wanted` rows that may enter, and the others that stand before the last.

    What stands behind is neither drawn nor refused, whether or not it happened to be screened: so
    the order in which rows come does not matter. Of N rows about wanted (1 + ln(N / wanted)) are
    screened.
    """
    drawn: list[tuple[int, Instruction]] = []
    refused: list[tuple[int, Rejection]] = []
    last: float = 0 if not wanted else math.inf
    left = ((order(row.id), row) for row in rows)
    while batch := list(islice(left, max(wanted, _AT_ONCE))):
        near = [pair for pair in batch if pair[0] < last]
        reasons = screen([row for _, row in near]) if near else {}
        good = [(at, row) for at, row in near if row.id not in reasons]
        refused += [
            (at, instruction_rejection(row, reasons[row.id]))
            for at, row in near
            if row.id in reasons
        ]
        drawn = nsmallest(wanted, drawn + good, key=itemgetter(0))
        if drawn and len(drawn) == wanted:
            last = drawn[-1][0]
    refused.sort(key=itemgetter(0))
    return [row for _, row in drawn], [rejection for at, rejection in refused if at < last]


def _row(instruction: Instruction) -> MixtureRow:
    return MixtureRow(
        response_id=instruction.id,
        character_id="",
        instruction_id=instruction.id,
        persona_id="",
        render_version=RENDER_VERSION,
        messages=instruction.dialogue,
        source=instruction.source,
        method=Method.ingested,
        draw=0,
        weight=1.0,
        licence=instruction.licence,
    )
