"""From responses to mixture rows: read twice, never held in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from opencharacter.errors import StoreError
from opencharacter.mix.draw import Candidate
from opencharacter.prompts.character import RENDER_VERSION, Shown, system_message
from opencharacter.records import Character, Method, MixtureRow, Response
from opencharacter.store.rows import part_files, read_columns, read_records
from opencharacter.store.stage import StageFolder

_COLUMNS = ("id", "source", "method", "draw", "character_id")


def made_methods(wanted: Sequence[Method], folder: Callable[[str], StageFolder]) -> list[Method]:
    """Return the methods to mix: those wanted, or all that the run has made.

    Raises:
        StoreError: the run has made no responses yet.
    """
    possible = (Method.rewrite, Method.generate)
    methods = list(wanted) or [m for m in possible if folder(m).started() is not None]
    if not methods:
        run = folder("mix").run_dir
        raise StoreError(
            f"{run} has no responses to mix; first run: python -m opencharacter stage=synth "
            f"run={run.name}"
        )
    return methods


def candidates(
    responses: Sequence[Path], characters: Mapping[str, Character]
) -> Iterator[Candidate]:
    """Yield what the draw needs to know of every response."""
    for folder in responses:
        for row in read_columns(part_files(folder), _COLUMNS):
            response_id, source, method, draw, character_id = row
            yield Candidate(
                response_id=response_id,
                source=source,
                method=Method(method),
                draw=draw,
                split=characters[character_id].split,
                character_id=character_id,
            )


def mixture_rows(
    responses: Sequence[Path],
    characters: Mapping[str, Character],
    kept: frozenset[str],
    shown: Shown,
) -> Iterator[MixtureRow]:
    """Yield the rows of the responses that were drawn, in the responses' order.

    Args:
        responses: Data folders of the response stages.
        characters: By id.
        kept: Ids of the responses that enter.
        shown: What the system prompt shows of the character.
    """
    for folder in responses:
        for response in read_records(folder, Response, keep=kept.__contains__):
            character = characters[response.character_id]
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
