"""Replay: general dialogues without a character in a mixture, against forgetting.

Fine-tuning on role-play alone makes a model worse at what it could do before; some of the general
data of its kind, mixed in, holds that up (rehearsal; Robins 1995).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from heapq import nsmallest
from itertools import chain

from opencharacter.config import InstructionsConfig, MixConfig
from opencharacter.errors import ConfigError
from opencharacter.ids import stable_number
from opencharacter.records import Instruction, Message, Method, MixtureRow, Rejection, Role
from opencharacter.sources.instructions import read_instructions
from opencharacter.sources.rows import Tally

RENDER_VERSION = "replay"
"""Such rows have no system prompt."""


def replay_rows(
    config: MixConfig,
    n_roleplay: int,
    *,
    seed: int,
    tally: Tally,
    refuse: Callable[[Instruction], Rejection | None] = lambda _: None,
) -> Iterator[MixtureRow | Rejection]:
    """Yield so many dialogues with answers that they are `config.replay_share` of the whole.

    A smaller share draws a subset of what a larger one does. Memory holds the rows drawn.

    Args:
        config: Sources and share.
        n_roleplay: Rows of the mixture without them.
        seed: Of the run.
        tally: What is read is counted in it.
        refuse: Says why a dialogue may not enter; asked before the draw.

    Raises:
        ConfigError: the sources have too few dialogues with an answer to every turn.
        SourceError: a source cannot be read.
    """
    if not config.replay_paths:
        return
    share = Fraction(str(config.replay_share))
    wanted = round(n_roleplay * share / (1 - share))
    sources = InstructionsConfig(paths=config.replay_paths, licences=config.replay_licences)
    before = tally.rows
    rejected: list[Rejection] = []

    def answered_ones() -> Iterator[Instruction]:
        for row in read_instructions(sources, seed=seed, tally=tally):
            if isinstance(row, Rejection):
                rejected.append(row)
            elif not row.is_answered:
                tally.note("replay: without an answer to every turn")
            elif refusal := refuse(row):
                rejected.append(refusal)
            else:
                yield row

    order = partial(stable_number, "replay", seed)
    answered = nsmallest(wanted, answered_ones(), key=lambda row: order(row.id))
    if len(answered) < wanted:
        raise ConfigError(
            f"mix.replay_share={config.replay_share} takes {wanted:,} dialogues, but "
            f"mix.replay_paths have {len(answered):,} with an answer to every turn; lower it, or "
            "name more sources"
        )
    tally.not_drawn += tally.rows - before - len(rejected) - len(answered)
    yield from rejected
    yield from map(_row, answered)


def _row(instruction: Instruction) -> MixtureRow:
    answers = [Message(role=Role.assistant, content=text) for text in instruction.references]
    turns = chain.from_iterable(zip(instruction.messages, answers, strict=True))
    return MixtureRow(
        response_id=instruction.id,
        character_id="",
        instruction_id=instruction.id,
        persona_id="",
        render_version=RENDER_VERSION,
        messages=tuple(turns),
        source=instruction.source,
        method=Method.ingested,
        draw=0,
        weight=1.0,
        licence=instruction.licence,
    )
