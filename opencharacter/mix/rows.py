"""From responses to mixture rows: read twice, never held in memory."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import MixConfig
from opencharacter.errors import StoreError
from opencharacter.ids import stable_fraction
from opencharacter.mix.draw import Candidate
from opencharacter.prompts.character import RENDER_VERSION, Shown, system_message
from opencharacter.records import Character, Method, MixtureRow, Response, Role
from opencharacter.sources.rows import Tally
from opencharacter.store.commands import first, placed, plain
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

# Of the messages only who speaks: the texts, which make up nearly all of a file, are not read.
_COLUMNS = ("id", "source", "method", "draw", "character_id", "messages.list.element.role")


def made_methods(
    wanted: Sequence[str], folder: Callable[[str], StageFolder], *, typed: str = ""
) -> list[Method]:
    """Return the methods to mix: those wanted, or all that the run has made.

    Args:
        wanted: `mix.methods`.
        folder: Of a stage of the run.
        typed: The command, one of that run.

    Raises:
        StoreError: the run has made no responses yet.
    """
    possible = (Method.rewrite, Method.generate)
    methods = [Method(name) for name in wanted]
    methods = methods or [m for m in possible if folder(m).started() is not None]
    if not methods:
        run = folder("mix").run_dir
        command = placed(first(typed, "synth") or plain(run, "synth"), run)
        raise StoreError(f"{run} has no responses to mix; first run: {command}")
    return methods


def candidates(
    responses: Sequence[Path], characters: Mapping[str, Character]
) -> Iterator[Candidate]:
    """Yield what the draw needs to know of every response."""
    for folder in responses:
        for row in read_columns(part_files(folder), _COLUMNS):
            response_id, source, method, draw, character_id, messages = row
            yield Candidate(
                response_id=response_id,
                source=source,
                method=Method(method),
                draw=draw,
                split=characters[character_id].split,
                character_id=character_id,
                user_turns=sum(message["role"] == Role.user for message in messages),
            )


class Prompts(NamedTuple):
    """Which system prompt each row has."""

    weights: Mapping[Shown, float]
    seed: int

    def of(self, response_id: str) -> Shown:
        """Draw one by a hash of seed and row, each as often as it weighs."""
        shown = sorted(self.weights)
        *bounds, total = accumulate(self.weights[each] for each in shown)
        at = stable_fraction("system prompt", self.seed, response_id) * total
        return shown[bisect_right(bounds, at)]


def prompts(config: MixConfig, seed: int) -> Prompts:
    """Return the system prompts of a mixture."""
    weights = config.system_prompts or {config.system_prompt: 1.0}
    return Prompts({Shown(shown): weight for shown, weight in weights.items()}, seed)


def mixture_rows(
    responses: Sequence[Path],
    characters: Mapping[str, Character],
    kept: frozenset[str],
    prompts: Prompts,
    tally: Tally,
) -> Iterator[MixtureRow]:
    """Yield the rows of the responses that were drawn, in the responses' order.

    Args:
        responses: Data folders of the response stages.
        characters: By id.
        kept: Ids of the responses that enter.
        prompts: What each system prompt shows of the character.
        tally: Kinds of rows are noted in it.
    """
    for folder in responses:
        for response in read_records(folder, Response, keep=kept.__contains__):
            character = characters[response.character_id]
            shown = prompts.of(response.id)
            tally.note(f"system prompt: {shown}")
            if sum(message.role is Role.user for message in response.messages) > 1:
                tally.note("more than one user turn")
            yield MixtureRow(
                response_id=response.id,
                character_id=response.character_id,
                instruction_id=response.instruction_id,
                persona_id=character.persona_id,
                render_version=f"{RENDER_VERSION}-{shown}",
                messages=(system_message(character, shown), *response.messages),
                source=response.source,
                method=response.method,
                draw=response.draw,
                weight=1.0,
                licence=response.licence,
            )
