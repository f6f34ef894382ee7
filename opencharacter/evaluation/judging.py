"""A judge scores answers: one answer and one criterion a call.

The score is the expected number of points over the probabilities that the judge gives to the
labels as its first token; where nobody tells probabilities, the number that it writes as JSON.
Everything ends as a `Score`; what cannot be scored is one without a value, with the reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from opencharacter.errors import ConfigError
from opencharacter.evaluation.rubrics import Criterion, Rubric, Shown
from opencharacter.evaluation.verdicts import (
    UNREADABLE,
    Verdict,
    points_schema,
    read_json,
    read_probabilities,
)
from opencharacter.ids import part_of
from opencharacter.llm.requests import Completion, Finish, Request, Sampling, Session, add_usage
from opencharacter.llm.work import Plan
from opencharacter.records import EvalItem, Failure, Message, Role, Score, Transcript, Usage
from opencharacter.sources.lines import storable
from opencharacter.store.claims import Part

KEY_COLUMNS = ("transcript_id", "criterion", "turn")
"""Columns of a score that make up `Work.key`."""
NOT_REACHED = "not_reached"
"""Of a turn after one at which the dialogue ended."""

_VERDICT = Sampling(temperature=0, top_p=1, max_tokens=1)
_JSON = Sampling(temperature=0, top_p=1, max_tokens=32)
_JSON_AGAIN = Sampling(temperature=0.7, top_p=1, max_tokens=32)
_SAID = 500  # characters of what a judge said in place of a verdict


class Answer(NamedTuple):
    """One answer of a transcript, with what it answers."""

    before: tuple[Message, ...]
    """Earlier turns, without the system prompt."""
    question: str
    text: str
    failure: str
    """Why it is no role-play at all; empty = it can be judged."""


class Work(NamedTuple):
    """One answer to be judged by one criterion."""

    item: EvalItem
    transcript: Transcript
    turn: int
    criterion: str

    @property
    def key(self) -> str:
        """The key of this work: `transcript id/criterion/turn`."""
        return f"{self.transcript.id}/{self.criterion}/{self.turn}"

    @property
    def answer(self) -> Answer:
        """What is to be judged."""
        return answer_of(self.item, self.transcript, self.turn)


def answer_of(item: EvalItem, transcript: Transcript, turn: int) -> Answer:
    """Return the answer to one question of an item; one that nobody gave has the reason."""
    spoken = [message for message in transcript.messages if message.role is not Role.system]
    failures = transcript.turn_failures
    failure = failures[turn] if turn < len(failures) else ""
    place = 2 * turn
    if place + 1 < len(spoken):
        earlier = tuple(spoken[:place])
        return Answer(earlier, spoken[place].content, spoken[place + 1].content, failure)
    return Answer((), item.questions[turn], "", failure or NOT_REACHED)


def work_of(
    items: Mapping[str, EvalItem],
    transcripts: Iterable[Transcript],
    rubric: Rubric,
    criteria: Sequence[str] = (),
) -> list[Work]:
    """Return everything to be judged, every turn of every transcript; failed ones too.

    Neighbours share what stands first in a prompt: criterion, then character, then question.

    Args:
        items: By id.
        transcripts: Of these items.
        rubric: Has the criteria.
        criteria: To judge by; empty = those that each item names.

    Raises:
        ConfigError: the rubric has no such criterion.
    """
    found = [
        Work(items[one.item_id], one, turn, criterion)
        for one in transcripts
        for criterion in _criteria(items[one.item_id], rubric, criteria)
        for turn in range(len(items[one.item_id].questions))
    ]
    return sorted(
        found,
        key=lambda w: (w.criterion, w.item.persona_id, w.item.id, w.turn, w.transcript.id),
    )


def _criteria(item: EvalItem, rubric: Rubric, chosen: Sequence[str]) -> Sequence[str]:
    """Return what an item is judged by: what rules score needs no judge."""
    if item.answers and any(item.answers):
        return [name for name in item.dimensions if name in rubric.criteria]
    named = chosen or item.dimensions
    unknown = [name for name in named if name not in rubric.criteria]
    if unknown:
        raise ConfigError(
            f"the rubrics {rubric.title} have no criterion '{unknown[0]}', which "
            f"{'judge.criteria' if chosen else item.suite} names; they have "
            f"{', '.join(rubric.criteria)}"
        )
    return named


def judge_plan(
    work: Sequence[Work], judge: Callable[[Work], Session[Score]], *, cache_dir: Path
) -> Plan[Score]:
    """Return the work of a judge; a character's answers are never split over parts.

    Args:
        work: All of it, in order.
        judge: Starts a piece of it.
        cache_dir: Of verdicts that all runs share.
    """

    @cache
    def by_part(of: int) -> dict[int, list[Work]]:
        found: dict[int, list[Work]] = {}
        for each in work:
            found.setdefault(part_of(each.item.persona_id, of), []).append(each)
        return found

    def sessions(part: Part) -> Iterator[tuple[str, Session[Score]]]:
        for each in by_part(part.of).get(part.number, ()):
            yield each.key, judge(each)

    return Plan(
        keys=lambda: (each.key for each in work),
        sessions=sessions,
        key_columns=KEY_COLUMNS,
        record_type=Score,
        shared=cache_dir,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A model that scores answers by a rubric."""

    name: str
    """`model@revision`."""
    rubric: Rubric
    gives_probabilities: bool
    """Whether the engine tells those of labels; else verdicts are JSON."""
    min_mass: float
    retries: int

    def score(self, work: Work) -> Session[Score]:
        """Judge one answer; one that failed is not asked about."""
        answer = work.answer
        criterion = self.rubric.criteria[work.criterion]
        if answer.failure:
            yield from ()
            return self._score(work, Verdict(unscored=failed(answer.failure)), Usage())
        usage, verdict = Usage(), Verdict(unscored=UNREADABLE)
        for attempt in range(self.retries + 1):
            completion = yield self._request(work, answer, criterion, attempt)
            usage = add_usage(usage, completion)
            verdict = self._read(completion, criterion)
            is_passing = completion.finish is Finish.error
            if not is_passing and verdict.unscored != UNREADABLE:
                break
        return self._score(work, verdict, usage)

    def _request(self, work: Work, answer: Answer, criterion: Criterion, attempt: int) -> Request:
        """Return the question; equal ones of other runs are equal, since no seed tells them apart.

        A verdict in JSON that cannot be read is drawn anew; the number of the attempt is the seed.
        """
        prompt = self.rubric.render(
            criterion,
            Shown(work.item.persona, work.item.facts, answer.before, answer.question, answer.text),
            as_json=not self.gives_probabilities,
        )
        messages = (Message(role=Role.user, content=prompt),)
        if self.gives_probabilities:
            return Request(messages=messages, sampling=_VERDICT, seed=0, labels=criterion.labels)
        return Request(
            messages=messages,
            sampling=_JSON_AGAIN if attempt else _JSON,
            seed=attempt,
            schema=points_schema(criterion.labels),
        )

    def _read(self, completion: Completion, criterion: Criterion) -> Verdict:
        if self.gives_probabilities:
            return read_probabilities(completion, criterion.points, min_mass=self.min_mass)
        return read_json(completion, criterion.labels, criterion.points)

    def _score(self, work: Work, verdict: Verdict, usage: Usage) -> Score:
        is_told = verdict.mass is not None
        return Score(
            transcript_id=work.transcript.id,
            item_id=work.item.id,
            persona_id=work.item.persona_id,
            judge=self.name,
            rubric=self.rubric.name,
            criterion=work.criterion,
            turn=work.turn,
            value=verdict.value,
            unscored=verdict.unscored,
            labels=self.rubric.criteria[work.criterion].labels if is_told else (),
            probabilities=verdict.probabilities,
            mass=verdict.mass,
            rationale=storable(verdict.text[:_SAID]),
            usage=usage,
        )


def failed(failure: str | Failure) -> str:
    """Return the reason of a score for an answer that failed."""
    return failure if failure == NOT_REACHED else f"candidate_{failure}"
