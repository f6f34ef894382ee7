"""PersonaGym's published protocol, faults included, so that published numbers can be met.

Up to five answers of one persona and task a call, each in a rubric of its own, all of them pasted
as a Python list; the points are read from the sentence that the rubrics ask for; an answer without
it counts 0, zeros are left out of the mean of the call, and zeros alone make a 0. What is wrong
with it: docs/judging.md. Light has one question of each task, so its calls have one answer: the
paper's authors judge its 1,000 answers in 1,000 calls too (github.com/xyang0/PersonaGym).

Source: github.com/vsamuel2003/PersonaGym (arXiv 2407.18416), read on 2026-11-22. Its texts are not
ours: the rubrics come from the folder that the user names.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from opencharacter.errors import SourceError
from opencharacter.evaluation.persona_gym import TASKS
from opencharacter.evaluation.work import answer_of
from opencharacter.ids import content_id, digest, part_of
from opencharacter.llm.requests import Finish, Request, Sampling, Session, add_usage
from opencharacter.llm.work import Plan
from opencharacter.records import (
    Control,
    EvalItem,
    Failure,
    Message,
    Role,
    Score,
    Transcript,
    Usage,
)
from opencharacter.sources.lines import storable
from opencharacter.store.claims import Part
from opencharacter.store.completions import SharedCompletions

BATCH = 5
_GRADING = Sampling(temperature=0, top_p=1, max_tokens=3000)
_FILLED = {"persona": "", "question": "", "response": "", "score_example": ""}
_EVALUATION = re.compile(r"\(\d+\) Evaluation:")
_FINAL = re.compile(r"Therefore, the final score is\s*(\d+)")
# The published code means to show an example of each score, and shows a letter of the word instead.
_EXAMPLES = "Score"
_OUTLINE = (
    "Each entry of this list is a task of its own, with a persona, a question and a response:\n\n"
    "{rubrics}\n\nGive your evaluations in their order, each as `(n) Evaluation: ...`, ending with "
    "the sentence `Therefore, the final score is N`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a judge says of up to five answers in one call."""

    persona_id: str
    task: str
    number: int
    """Of the batch of this persona and task, from 0."""
    judge: str
    transcript_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    points: tuple[int, ...]
    """As parsed, in the order of the evaluations that were found; 0 = no final sentence. A judge
    may find more of them, or fewer, than there are answers."""
    failed: str = ""
    """Why there is no text to parse; empty = there is."""
    text: str
    usage: Usage
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Hash the identity."""
        parts = (self.judge, self.persona_id, self.task, self.number, self.transcript_ids)
        object.__setattr__(self, "id", content_id("batch", *parts))

    @property
    def mean(self) -> float:
        """The published mean: without zeros, 0 where there is nothing else."""
        found = [point for point in self.points if point]
        return fmean(found) if found else 0.0


class Pack(NamedTuple):
    """The answers of one call."""

    persona_id: str
    task: str
    number: int
    answers: tuple[tuple[EvalItem, Transcript], ...]

    @property
    def key(self) -> str:
        """The key of this work: persona, task and number."""
        return f"{self.persona_id}/{self.task}/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The texts of a copy of PersonaGym."""

    rubrics: Mapping[str, str]
    """By task, as tasks are called here."""
    outline: str
    """Around the rubrics."""
    system: str
    """System prompt; empty = none."""

    @property
    def name(self) -> str:
        """`name@hash` of all texts, with whose outline it is."""
        whose = "own_outline" if self.outline is _OUTLINE else "published"
        return f"persona_gym_compat_{whose}@{digest(dict(self.rubrics), self.outline)[:12]}"


def load_protocol(folder: str) -> Protocol:
    """Read rubrics, and where they are there, the prompts around them.

    Args:
        folder: A copy of the repository, or its folder of rubrics.

    Raises:
        SourceError: a rubric is missing, or has another place-holder than the published ones.
    """
    root = Path(folder).expanduser()
    rubrics = root / "rubrics" if (root / "rubrics").is_dir() else root
    found = {task: _rubric(rubrics / f"{key}.txt") for key, task in TASKS.items()}
    prompts = rubrics.parent / "prompts" / "rubric_grading"
    outline, system = prompts / "prompt.txt", prompts / "sys_prompt.txt"
    return Protocol(
        rubrics=found,
        outline=outline.read_text(encoding="utf-8") if outline.is_file() else _OUTLINE,
        system=system.read_text(encoding="utf-8") if system.is_file() else "",
    )


def _rubric(path: Path) -> str:
    if not path.is_file():
        raise SourceError(
            f"there is no {path}: suite.mode=compat judges by PersonaGym's own rubrics; set "
            "judge.rubrics to a copy of github.com/vsamuel2003/PersonaGym, or to its rubrics"
        )
    text = path.read_text(encoding="utf-8")
    try:
        text.format(**_FILLED)
    except (KeyError, IndexError, ValueError) as error:
        raise SourceError(
            f"{path} has a place-holder that PersonaGym's have not: {error}"
        ) from error
    return text


def packs_of(items: Mapping[str, EvalItem], transcripts: Iterable[Transcript]) -> list[Pack]:
    """Return the answers five by five, of each persona and task in the order of the suite.

    Answers that failed are judged as they are, as published; but those that a fault of the engine
    left without a text are in no call. Two samples of a question are in no call together: each
    sample is the protocol once more.
    """
    order = {id_: number for number, id_ in enumerate(items)}
    groups: dict[tuple[str, str], dict[int, list[Transcript]]] = {}
    for one in sorted(transcripts, key=lambda t: (order[t.item_id], t.sample)):
        if one.failure is not Failure.error and one.control is Control.none:
            samples = groups.setdefault((one.persona_id, one.task), {})
            samples.setdefault(one.sample, []).append(one)
    return [
        Pack(persona, task, number, tuple((items[each.item_id], each) for each in five))
        for (persona, task), samples in groups.items()
        for number, five in enumerate(five for n in sorted(samples) for five in _fives(samples[n]))
    ]


def _fives(answers: Sequence[Transcript]) -> list[Sequence[Transcript]]:
    return [answers[at : at + BATCH] for at in range(0, len(answers), BATCH)]


def compat_plan(
    packs: Sequence[Pack], grade: Callable[[Pack], Session[Batch]], *, kept: SharedCompletions
) -> Plan[Batch]:
    """Return the work of a judge; a persona's answers are never split over parts."""

    @cache
    def by_part(of: int) -> dict[int, list[Pack]]:
        found: dict[int, list[Pack]] = {}
        for pack in packs:
            found.setdefault(part_of(pack.persona_id, of), []).append(pack)
        return found

    def sessions(part: Part) -> Iterator[tuple[str, Session[Batch]]]:
        for pack in by_part(part.of).get(part.number, ()):
            yield pack.key, grade(pack)

    return Plan(
        keys=lambda: (pack.key for pack in packs),
        sessions=sessions,
        key_columns=("persona_id", "task", "number"),
        record_type=Batch,
        shared=kept,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grader:
    """A judge by the published protocol."""

    name: str
    protocol: Protocol
    retries: int

    def grade(self, pack: Pack) -> Session[Batch]:
        """Judge five answers in one call."""
        request = Request(messages=self._messages(pack), sampling=_GRADING, seed=0)
        usage = Usage()
        completion = yield request
        usage = add_usage(usage, completion)
        for _ in range(self.retries):
            if completion.finish is not Finish.error:
                break
            completion = yield request
            usage = add_usage(usage, completion)
        is_text = completion.finish in (Finish.stop, Finish.length, Finish.repetition)
        return Batch(
            persona_id=pack.persona_id,
            task=pack.task,
            number=pack.number,
            judge=self.name,
            transcript_ids=tuple(one.id for _, one in pack.answers),
            item_ids=tuple(item.id for item, _ in pack.answers),
            points=tuple(parse_points(completion.text)) if is_text else (),
            failed="" if is_text else str(completion.finish),
            text=storable(completion.text),
            usage=usage,
        )

    def _messages(self, pack: Pack) -> tuple[Message, ...]:
        rubric = self.protocol.rubrics[pack.task]
        filled = []
        for letter, (item, transcript) in zip(_EXAMPLES, pack.answers, strict=False):
            answer = answer_of(item, transcript, 0)
            filled.append(
                rubric.format(
                    persona=item.persona,
                    question=answer.question,
                    response=answer.text,
                    score_example=letter,
                )
            )
        asked = Message(role=Role.user, content=self.protocol.outline.format(rubrics=filled))
        if not self.protocol.system:
            return (asked,)
        return (Message(role=Role.system, content=self.protocol.system), asked)


def parse_points(text: str) -> list[int]:
    """Return the points of each evaluation as the published code reads them: 0 = none found.

    >>> parse_points("(1) Evaluation: Good. Therefore, the final score is 4. (2) Evaluation: 3")
    [4, 0]
    """
    parts = _EVALUATION.split(text)[1:]
    return [int(found[1]) if (found := _FINAL.search(part)) else 0 for part in parts]


def points_of_answers(points: Sequence[int], answers: int) -> Sequence[int]:
    """Return the points of each answer of a call; 0 = none, or nobody can tell which are its."""
    return points if len(points) == answers else [0] * answers


def scores_of(batch: Batch, rubric: str) -> Iterator[Score]:
    """Yield a score for each answer of a batch; one that cannot be told apart has none."""
    points = points_of_answers(batch.points, len(batch.transcript_ids))
    for at, (transcript, item) in enumerate(zip(batch.transcript_ids, batch.item_ids, strict=True)):
        point = points[at]
        is_on_scale = 1 <= point <= 5
        reason = f"judge_{batch.failed}" if batch.failed else "unparsed"
        yield Score(
            transcript_id=transcript,
            item_id=item,
            persona_id=batch.persona_id,
            judge=batch.judge,
            rubric=rubric,
            criterion=batch.task,
            turn=0,
            value=float(point) if is_on_scale else None,
            unscored=None if is_on_scale else reason,
            usage=batch.usage if at == 0 else Usage(),
        )


def published_means(batches: Iterable[Batch]) -> dict[str, Any]:
    """Return the numbers as published: mean and population deviation over personas.

    Of a call's answers the mean without zeros, of a task the mean of its calls (and of the judges),
    of a persona the mean of its tasks.
    """
    fives: dict[str, dict[str, list[float]]] = {}
    zeros = total = 0
    sizes: set[int] = set()
    for batch in batches:
        fives.setdefault(batch.persona_id, {}).setdefault(batch.task, []).append(batch.mean)
        n = len(batch.transcript_ids)
        total += n
        zeros += list(points_of_answers(batch.points, n)).count(0)
        sizes.add(n)
    by_persona = [{task: fmean(each) for task, each in tasks.items()} for tasks in fives.values()]
    columns: dict[str, list[float]] = {}
    for tasks in by_persona:
        for task, mean in tasks.items():
            columns.setdefault(task, []).append(mean)
        columns.setdefault("PersonaScore", []).append(fmean(tasks.values()))
    return {
        "protocol": "compat: PersonaGym as published, its faults included, "
        f"{answers_a_call(sizes)}; not comparable with scores of suite.mode=sound",
        "personas": len(by_persona),
        "answers": total,
        "answers_without_points": zeros,
        "means": {name: {"mean": fmean(c), "std": pstdev(c)} for name, c in columns.items()},
    }


def answers_a_call(sizes: Collection[int]) -> str:
    """Return how many answers a judge sees at a time, in words.

    Args:
        sizes: How many are in the calls.
    """
    most, least = max(sizes, default=BATCH), min(sizes, default=BATCH)
    if most == 1:
        return "1 answer a judge prompt as Light has no more of a task"
    return f"{most if most == least else f'{least} to {most}'} answers a judge prompt"
