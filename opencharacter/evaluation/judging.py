"""A judge scores answers: one thing a call.

The score is the expected number of points over the probabilities that the judge gives to the
labels as its first token; where nobody tells probabilities, the number that it writes as JSON.
Everything ends as a `Score`; what cannot be scored is one without a value, with the reason.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from opencharacter.evaluation.verdicts import (
    UNREADABLE,
    Verdict,
    points_schema,
    read_json,
    read_probabilities,
)
from opencharacter.evaluation.work import (
    FACT,
    KEY_COLUMNS,
    NOT_REACHED,
    PREFERENCE,
    USER_FAILED,
    Instrument,
    Work,
    answer_of,
)
from opencharacter.ids import digest, part_of
from opencharacter.llm.requests import (
    Completion,
    Finish,
    Request,
    Sampling,
    Session,
    add_usage,
    sum_usage,
)
from opencharacter.llm.work import Plan
from opencharacter.prompts.rubrics import Criterion, Rubric, Shown
from opencharacter.records import EvalItem, Message, Role, Score, Transcript, Usage
from opencharacter.sources.lines import storable
from opencharacter.store.claims import Part
from opencharacter.store.completions import SharedCompletions

NO_COUNTERPART = "no_counterpart"
"""Of a comparison: the other run has no transcript of the item."""
COUNTERPART_FAILED = "counterpart_failed"
OTHER_QUESTIONS = "other_questions"
"""Of a comparison: a model played the user, and asked either of them what it liked."""

_VERDICT = Sampling(temperature=0, top_p=1, max_tokens=1)
_JSON = Sampling(temperature=0, top_p=1, max_tokens=32)
_SAID = 500  # characters of what a judge said in place of a verdict

Asked = Generator[Request, Completion, Verdict]
"""A question to a judge that ends in a verdict."""


def judge_plan(
    work: Sequence[Work], judge: Callable[[Work], Session[Score]], *, kept: SharedCompletions
) -> Plan[Score]:
    """Return the work of a judge; a character's answers are never split over parts.

    Args:
        work: All of it, in order.
        judge: Starts a piece of it.
        kept: Verdicts that all runs share.
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
        shared=kept,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A model that scores answers."""

    name: str
    """`model@revision`."""
    rubrics: Mapping[Instrument, Rubric]
    gives_probabilities: bool
    """Whether the engine tells those of labels; else verdicts are JSON."""
    min_mass: float
    retries: int

    def judge(self, work: Work) -> Session[Score]:
        """Judge one thing; an answer that failed is not asked about."""
        if work.instrument is Instrument.pairwise:
            return self._compare(work)
        return self._score(work)

    def _score(self, work: Work) -> Session[Score]:
        answer = work.answer
        if answer.failure:
            yield from ()
            return self._record(work, Verdict(unscored=failed(answer.failure)))
        facts = (work.fact,) if work.fact else work.item.facts
        told = answer.before, answer.question, answer.text
        dialogue = digest("dialogue", [message.content for message in work.transcript.messages])
        shown = Shown(work.item.persona, facts, *told, dialogue=dialogue)
        return self._record(work, (yield from self._ask(work, shown)))

    def _compare(self, work: Work) -> Session[Score]:
        """Ask in both orders: the value is the mean, how far they disagree is kept beside it."""
        reason = _not_compared(work)
        if reason or work.other is None:
            yield from ()
            return self._record(work, Verdict(unscored=reason))
        mine, theirs = (_whole(work.item, each) for each in (work.transcript, work.other))
        asked = _numbered(work.item.questions)
        shown = Shown(work.item.persona, work.item.facts, work.item.history, asked, mine, theirs)
        first = yield from self._ask(work, shown)
        swapped = shown._replace(answer=shown.other, other=shown.answer)
        second = yield from self._ask(work, swapped)
        usage = sum_usage(first.usage, second.usage)
        if first.value is None or second.value is None:
            unusable = first if first.value is None else second
            return self._record(work, replace(unusable, usage=usage))
        turned = 1 - second.value
        verdict = Verdict(value=(first.value + turned) / 2, usage=usage)
        return replace(self._record(work, verdict), inconsistency=abs(first.value - turned))

    def _ask(self, work: Work, shown: Shown) -> Asked:
        """Ask once: only after a fault of engine or server again, and then for the same.

        A judge that is drawn from until it can be read gives the verdict of its luckiest draw.
        """
        criterion = self._criterion(work)
        request = self._request(work, criterion, shown)
        usage, verdict = Usage(), Verdict(unscored=UNREADABLE)
        for _ in range(self.retries + 1):
            completion = yield request
            usage = add_usage(usage, completion)
            verdict = self._read(completion, criterion)
            if completion.finish is not Finish.error:
                break
        return replace(verdict, usage=usage)

    def _criterion(self, work: Work) -> Criterion:
        fixed = {Instrument.checklist: FACT, Instrument.pairwise: PREFERENCE}
        name = fixed.get(work.instrument, work.by or work.criterion)
        return self.rubrics[work.instrument].criteria[name]

    def _request(self, work: Work, criterion: Criterion, shown: Shown) -> Request:
        """Return the question: those of other runs are equal, as no seed tells them apart."""
        rubric = self.rubrics[work.instrument]
        prompt = rubric.render(criterion, shown, as_json=not self.gives_probabilities)
        messages = (Message(role=Role.user, content=prompt),)
        if self.gives_probabilities:
            return Request(messages=messages, sampling=_VERDICT, seed=0, labels=criterion.labels)
        schema = points_schema(criterion.labels)
        return Request(messages=messages, sampling=_JSON, seed=0, schema=schema)

    def _read(self, completion: Completion, criterion: Criterion) -> Verdict:
        if self.gives_probabilities:
            return read_probabilities(completion, criterion.points, min_mass=self.min_mass)
        return read_json(completion, criterion.labels, criterion.points)

    def _record(self, work: Work, verdict: Verdict) -> Score:
        is_told = verdict.mass is not None
        return Score(
            transcript_id=work.transcript.id,
            item_id=work.item.id,
            persona_id=work.item.persona_id,
            judge=self.name,
            rubric=self.rubrics[work.instrument].name,
            criterion=work.criterion,
            turn=work.turn,
            against=work.other.id if work.other else "",
            value=verdict.value,
            unscored=verdict.unscored,
            labels=self._criterion(work).labels if is_told else (),
            probabilities=verdict.probabilities,
            mass=verdict.mass,
            rationale=storable(verdict.text[:_SAID]),
            usage=verdict.usage,
        )


def failed(failure: str) -> str:
    """Return the reason of a score for an answer that failed."""
    return failure if failure in (NOT_REACHED, USER_FAILED) else f"candidate_{failure}"


def _not_compared(work: Work) -> str | None:
    mine = work.answer
    if mine.failure:
        return failed(mine.failure)
    if work.other is None:
        return NO_COUNTERPART
    if work.item.user:
        return OTHER_QUESTIONS
    return COUNTERPART_FAILED if answer_of(work.item, work.other, None).failure else None


def _whole(item: EvalItem, transcript: Transcript) -> str:
    """Return all that the model says as the character."""
    said = item.played(transcript.messages)
    return _numbered([message.content for message in said if message.role is Role.assistant])


def _numbered(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(f"({n}) {text}" for n, text in enumerate(texts, start=1))
