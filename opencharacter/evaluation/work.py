"""What there is to be judged: an answer by a criterion, a fact, or two answers side by side."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import count
from typing import NamedTuple

from opencharacter.errors import ConfigError
from opencharacter.prompts.rubrics import Rubric
from opencharacter.records import EvalItem, Message, Transcript

KEY_COLUMNS = ("transcript_id", "criterion", "turn")
"""Columns of a score that make up `Work.key`."""
NOT_REACHED = "not_reached"
"""Of a turn after one at which the dialogue ended."""
USER_FAILED = "user_failed"
"""Of a turn to which a user, played by a model, did not come: no fault of the candidate's."""
PREFERENCE = "preference"
FACT = "fact"

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_CLAUSE = re.compile(r"\s*[,;]\s+|(?<=[.!?])\s+")
_SPLIT_WORDS = 12  # a value of more words is taken apart into its sentences


class Instrument(StrEnum):
    """A way of judging."""

    rubric = "rubric"
    checklist = "checklist"
    pairwise = "pairwise"


class Answer(NamedTuple):
    """One answer of a transcript, with what it answers."""

    before: tuple[Message, ...]
    """The item's history, then earlier turns; without the system prompt."""
    question: str
    text: str
    failure: str
    """Why it is no role-play at all; empty = it can be judged."""


class Work(NamedTuple):
    """One thing to be judged."""

    item: EvalItem
    transcript: Transcript
    criterion: str
    turn: int | None
    """None = the whole dialogue."""
    instrument: Instrument = Instrument.rubric
    fact: str = ""
    by: str = ""
    """Criterion of the rubric, where the score's has another name."""
    other: Transcript | None = None
    """What it is compared with; None with the instrument `pairwise` = there is no counterpart."""

    @property
    def key(self) -> str:
        """The key of this work: `transcript id/criterion/turn`."""
        return f"{self.transcript.id}/{self.criterion}/{self.turn}"

    @property
    def answer(self) -> Answer:
        """What is to be judged."""
        return answer_of(self.item, self.transcript, self.turn)


def answer_of(item: EvalItem, transcript: Transcript, turn: int | None) -> Answer:
    """Return the answer to one question of an item; one that nobody gave has the reason.

    Args:
        item: That was played.
        transcript: Of it.
        turn: From 0; None = the last one, and a failure of any is one of the dialogue.
    """
    spoken = item.played(transcript.messages)
    at = len(item.questions) - 1 if turn is None else turn
    failure = _failure(transcript, turn)
    if 2 * at + 1 < len(spoken):
        earlier = (*item.history, *spoken[: 2 * at])
        return Answer(earlier, spoken[2 * at].content, spoken[2 * at + 1].content, failure)
    ended = USER_FAILED if transcript.user_failure else NOT_REACHED
    return Answer((), item.questions[at], "", failure or ended)


def _failure(transcript: Transcript, turn: int | None) -> str:
    if turn is None:
        return str(transcript.failure or "")
    failures = transcript.turn_failures
    return failures[turn] if turn < len(failures) else ""


def rubric_work(
    items: Mapping[str, EvalItem],
    transcripts: Iterable[Transcript],
    rubric: Rubric,
    criteria: Sequence[str] = (),
) -> list[Work]:
    """Return every turn of every transcript by every criterion; failed ones too.

    Neighbours share what stands first in a prompt: criterion, then character, then question; the
    turns of one dialogue share those before them.

    Args:
        items: By id.
        transcripts: Of these items.
        rubric: Has the criteria.
        criteria: To judge by, in place of those that each item names; empty = those. What rules
            alone score is judged by none.

    Raises:
        ConfigError: the rubric has no such criterion.
    """
    check_criteria(criteria, rubric, "judge.criteria")
    found = [
        Work(items[one.item_id], one, criterion, turn)
        for one in transcripts
        for criterion in _criteria(items[one.item_id], rubric, criteria)
        for turn in range(len(items[one.item_id].questions))
    ]
    return sorted(
        found,
        key=lambda w: (w.criterion, w.item.persona_id, w.item.id, w.transcript.id, w.turn or 0),
    )


def _criteria(item: EvalItem, rubric: Rubric, chosen: Sequence[str]) -> Sequence[str]:
    """Return what an item is judged by: nothing where rules score all that it is asked for."""
    has_rules = any(item.answers)
    judged = [name for name in item.dimensions if name in rubric.criteria]
    if has_rules and not judged:
        return []
    named = chosen or (judged if has_rules else item.dimensions)
    check_criteria(named, rubric, "judge.criteria" if chosen else item.suite)
    return named


def check_criteria(names: Sequence[str], rubric: Rubric, named_by: str) -> None:
    """Check that rubrics have what is to be judged by.

    Raises:
        ConfigError: there is no such criterion.
    """
    unknown = [name for name in names if name not in rubric.criteria]
    if unknown:
        raise ConfigError(
            f"the rubrics {rubric.title} have no criterion '{unknown[0]}', which {named_by} "
            f"names; they have {', '.join(rubric.criteria)}"
        )


def checklist_work(
    items: Mapping[str, EvalItem], transcripts: Iterable[Transcript]
) -> Iterator[Work]:
    """Yield every fact of a profile for every transcript of it; neighbours share the answer."""
    for one in sorted(transcripts, key=lambda t: (t.persona_id, t.item_id, t.id)):
        item = items[one.item_id]
        for name, fact in compile_checklist(item):
            yield Work(item, one, name, None, Instrument.checklist, fact)


def compile_checklist(item: EvalItem) -> list[tuple[str, str]]:
    """Return the facts of a character, each with the name of its criterion, such as `fact:age`.

    A long field is taken apart into its sentences (`fact:experience.2`). A character of whom only
    the persona's line is known has that line's clauses (`fact:persona.1`).
    """
    pairs = [line.partition(":") for line in item.facts if ":" in line]
    if not pairs:
        clauses = [part for part in _CLAUSE.split(item.persona) if part.strip()]
        return _numbered("persona", clauses, lambda clause: clause)
    found: list[tuple[str, str]] = []
    for field, _, value in pairs:
        name = re.sub(r"\W+", "_", field.strip().lower())
        long = len(value.split()) > _SPLIT_WORDS
        parts = _SENTENCE_END.split(value.strip()) if long else [value.strip()]
        found += _numbered(name, parts, f"{field.strip()}: {{}}".format)
    return found


def _numbered(name: str, parts: Sequence[str], told: Callable[[str], str]) -> list[tuple[str, str]]:
    if len(parts) == 1:
        return [(f"{FACT}:{name}", told(parts[0].strip()))]
    return [
        (f"{FACT}:{name}.{n}", told(part.strip())) for n, part in zip(count(1), parts, strict=False)
    ]


def pairwise_work(
    items: Mapping[str, EvalItem],
    transcripts: Iterable[Transcript],
    others: Iterable[Transcript],
    *,
    against: str,
) -> list[Work]:
    """Return every transcript beside the other run's of the same item, control and sample.

    Args:
        items: By id.
        transcripts: Of this run.
        others: Of the other one.
        against: Its name.

    Raises:
        ConfigError: no transcript has a counterpart.
    """
    by_place = {(o.item_id, o.control, o.sample): o for o in others}
    found = [
        Work(
            items[one.item_id],
            one,
            PREFERENCE,
            None,
            Instrument.pairwise,
            other=by_place.get((one.item_id, one.control, one.sample)),
        )
        for one in sorted(transcripts, key=lambda t: (t.persona_id, t.item_id, t.id))
    ]
    if found and all(work.other is None for work in found):
        raise ConfigError(
            f"judge.against={against}: that run played none of this run's items; play the same "
            "suite, with the same suite.seed"
        )
    return found
