"""Responses that may not enter a mixture, found before the draw, so that shares and sizes hold."""

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import Contamination, MixConfig
from opencharacter.mix.overlap import Hit, OverlapReport, SuiteIndex
from opencharacter.mix.suites import Suite, read_suite
from opencharacter.records import Character, Instruction, Message, Rejection, Response
from opencharacter.sources.lines import storable
from opencharacter.store.rows import read_records

_DETAIL_CHARS = 500
_EXCERPT_CHARS = 200


class Refusal(NamedTuple):
    """Why a response may not enter."""

    reason: str
    detail: str


class OverlapScreen:
    """Looks at every row that could enter for what it shares with evaluation suites."""

    def __init__(self, suites: Sequence[Suite], config: MixConfig) -> None:
        """Read the suites.

        Args:
            suites: From `find_suites`.
            config: What an overlap is, and what becomes of it.

        Raises:
            SourceError: a suite cannot be read.
        """
        items = (item for suite in suites for item in read_suite(suite))
        self._index = SuiteIndex(
            items, words=config.overlap_words, persona_overlap=config.persona_overlap
        )
        self._rejects = config.contamination is Contamination.reject
        self.report = OverlapReport(self._index)

    def refusals(
        self,
        responses: Sequence[Path],
        characters: Mapping[str, Character],
        wanted: Container[str],
    ) -> dict[str, Refusal]:
        """Return the responses that may not enter, by id; memory holds these alone.

        Args:
            responses: Data folders of the response stages.
            characters: By id.
            wanted: Ids of the responses to look at.
        """
        refused: dict[str, Refusal] = {}
        for folder in responses:
            for response in read_records(folder, Response, keep=wanted.__contains__):
                persona = characters[response.character_id].persona
                hits = self._look(response.id, [m.content for m in response.messages], persona)
                if hits and self._rejects:
                    refused[response.id] = Refusal("contaminated", _told(hits))
        return refused

    def refuse(self, instruction: Instruction) -> Rejection | None:
        """Return the rejection of a dialogue without a character, or None."""
        asked = [message.content for message in instruction.messages]
        hits = self._look(instruction.id, [*asked, *instruction.references], "")
        if not hits or not self._rejects:
            return None
        return instruction_rejection(instruction, Refusal("contaminated", _told(hits)))

    def _look(self, row_id: str, turns: Sequence[str], persona: str) -> list[Hit]:
        hits = self._index.find(turns, persona)
        self.report.add(row_id, hits)
        return hits


def rejections(responses: Sequence[Path], refused: Mapping[str, Refusal]) -> Iterator[Rejection]:
    """Yield a rejection for each response that may not enter, in the responses' order.

    Args:
        responses: Data folders of the response stages.
        refused: By id.
    """
    for folder in responses if refused else ():
        for response in read_records(folder, Response, keep=refused.__contains__):
            origin = f"{response.character_id} {response.instruction_id}"
            yield _rejection(response.id, refused[response.id], origin, response.messages)


def instruction_rejection(instruction: Instruction, refusal: Refusal) -> Rejection:
    """Return the rejection of an answered dialogue without a character."""
    return _rejection(instruction.id, refusal, instruction.origin, instruction.dialogue)


def _rejection(key: str, refusal: Refusal, origin: str, messages: Sequence[Message]) -> Rejection:
    text = "\n".join(f"{message.role}: {message.content}" for message in messages)
    return Rejection(
        key=key,
        reason=refusal.reason,
        detail=storable(refusal.detail[:_DETAIL_CHARS]),
        origin=origin,
        excerpt=storable(text[:_EXCERPT_CHARS]),
    )


def _told(hits: Sequence[Hit]) -> str:
    more = f" (and {len(hits) - 1:,} more items)" if len(hits) > 1 else ""
    return f"{hits[0]}{more}"
