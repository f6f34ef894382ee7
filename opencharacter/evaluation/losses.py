"""How likely a model holds given answers to general questions: what a training has cost.

A mark by rule says whether an answer is right; this says how far the model has moved from prose
that it could have written before. Nothing is drawn: the engine reads question and answer, and tells
the probability of each token of the answer after all before it. The dialogue is rendered, and its
tokens are counted, as a training would learn it (`llm.chat.ChatEncoder.encode_said`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from opencharacter.config import InstructionsConfig, LossConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.templates import hashed_name, read_rows, suite_file
from opencharacter.ids import content_id, part_of, shuffled
from opencharacter.llm.requests import (
    Completion,
    Finish,
    Model,
    Request,
    Sampling,
    Session,
    add_usage,
    sampling_json,
)
from opencharacter.llm.work import Plan
from opencharacter.records import Call, Instruction, Loss, Message, Rejection, Role, Usage
from opencharacter.sources.fingerprint import source_fingerprint
from opencharacter.sources.instructions import open_instructions, read_instructions
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import EMBEDDED_LICENCE, Tally
from opencharacter.store.claims import Part

OWN = "general_answers"
"""The project's own dialogues, a file of `eval/suites`."""
_NOTHING_DRAWN = Sampling(temperature=0, top_p=1, max_tokens=1)
_EXCERPT = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A dialogue whose answers are given."""

    messages: tuple[Message, ...]
    """User and assistant in turn."""
    topic: str
    licence: str
    origin: str
    """Where the row stands."""
    id: str = field(init=False)
    """Hash of all that is said in it."""

    def __post_init__(self) -> None:
        """Hash the dialogue."""
        said = [[message.role, message.content] for message in self.messages]
        object.__setattr__(self, "id", content_id("dialogue", said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is measured."""

    name: str
    """`name@hash` of the data."""
    told: tuple[Told, ...]
    """In an order that hangs on what they say alone."""
    unusable: tuple[Rejection, ...] = ()
    """Rows of the data that cannot be measured; each is a piece of work that is refused."""
    read_from: Mapping[str, str] = field(default_factory=dict)
    """Of a data set on the hub, the commit that was read, by the path that names it."""


def read_answers(config: LossConfig) -> Answers:
    """Return the project's dialogues, or those of `loss.path`.

    Raises:
        SourceError: there is no such data, or too little of it.
    """
    if not config.path:
        return answers_of(hashed_name(OWN, suite_file(OWN)), _own(), n=config.n)
    read_from: dict[str, str] = {}
    path = pinned(config.path, None, read_from)
    [source] = open_instructions([path])
    name = f"{source.name}@{source_fingerprint(path)[:12]}"
    return replace(answers_of(name, _of_path(path), n=config.n), read_from=read_from)


def answers_of(name: str, rows: Iterable[Told | Rejection], *, n: int | None) -> Answers:
    """Return dialogues, each once, or a draw of `n` of them.

    Args:
        name: Of the data, `name@hash`.
        rows: In any order.
        n: A smaller draw is a part of a larger one; None = all.

    Raises:
        SourceError: there are not so many, or none.
    """
    found: dict[str, Told] = {}
    unusable: list[Rejection] = []
    for row in rows:
        if isinstance(row, Rejection):
            unusable.append(row)
        else:
            found[row.id] = row
    if (n or 1) > len(found):
        asked = f"loss.n={n:,} asks for more than the" if n else "stage=loss finds"
        raise SourceError(
            f"{asked} {len(found):,} dialogues of {name} with an answer to every question "
            f"({len(unusable):,} rows cannot be used)"
        )
    order = shuffled(found, "loss")[:n]
    return Answers(name=name, told=tuple(found[id_] for id_ in order), unusable=tuple(unusable))


def _own() -> Iterator[Told]:
    for number, row in enumerate(read_rows(suite_file(OWN)), start=1):
        yield Told(
            messages=(
                Message(role=Role.user, content=row["question"]),
                Message(role=Role.assistant, content=row["answer"]),
            ),
            topic=row["id"].partition("/")[0],
            licence=EMBEDDED_LICENCE,
            origin=f"{OWN}.jsonl:{number}",
        )


def _of_path(path: str) -> Iterator[Told | Rejection]:
    for row in read_instructions(InstructionsConfig(paths=[path]), seed=0, tally=Tally()):
        if isinstance(row, Rejection):
            yield row
        elif not row.is_answered:
            yield _unanswered(row)
        else:
            yield Told(
                messages=row.dialogue,
                topic=row.topic or "",
                licence=row.licence,
                origin=row.origin,
            )


def _unanswered(row: Instruction) -> Rejection:
    return Rejection(
        key=row.id,
        reason="no_answer",
        detail=f"{len(row.messages)} questions, {len(row.references)} answers",
        origin=row.origin,
        excerpt=row.messages[0].content[:_EXCERPT],
    )


def loss_plan(answers: Answers, model: Callable[[], Model], *, retries: int) -> Plan[Loss]:
    """Return the work: a loss for each dialogue, a rejection for whatever cannot be measured.

    Args:
        answers: What is measured.
        model: Opens the model, or returns the one that is open.
        retries: Further attempts after a fault of the engine.
    """

    @cache
    def by_part(of: int) -> dict[int, list[Told]]:
        found: dict[int, list[Told]] = {}
        for told in answers.told:
            found.setdefault(part_of(told.id, of), []).append(told)
        return found

    def sessions(part: Part) -> Iterator[tuple[str, Session[Loss]]]:
        for told in by_part(part.of).get(part.number, ()):
            yield told.id, measure(told, answers.name, model(), retries=retries)
        for row in answers.unusable if part.number == 0 else ():
            yield row.key, _refuse(row)

    return Plan(
        keys=lambda: [*(each.id for each in answers.told), *(row.key for row in answers.unusable)],
        sessions=sessions,
        key_columns=("dialogue_id",),
        record_type=Loss,
    )


def measure(told: Told, source: str, model: Model, *, retries: int) -> Session[Loss]:
    """Ask what the answers of a dialogue cost a model; a fault of the engine is asked again."""
    request = Request(messages=told.messages, sampling=_NOTHING_DRAWN, seed=0, is_measured=True)
    completion = yield request
    usage = add_usage(Usage(), completion)
    for _ in range(retries):
        if completion.finish is not Finish.error:
            break
        completion = yield request
        usage = add_usage(usage, completion)
    if not completion.losses:
        return _unmeasured(told, completion, usage)
    said = [message.content for message in told.messages if message.role is Role.assistant]
    return Loss(
        dialogue_id=told.id,
        source=source,
        topic=told.topic,
        messages=told.messages,
        model=model.name,
        losses=completion.losses,
        n_bytes=sum(len(text.strip().encode()) for text in said),
        licence=told.licence,
        origin=told.origin,
        call=Call(
            model=model.name,
            prompt_sha256=request.key(model.name),
            sampling=sampling_json(request.sampling),
            seed=request.seed,
            engine=model.engine,
        ),
        usage=usage,
    )


def _unmeasured(told: Told, completion: Completion, usage: Usage) -> Rejection:
    return Rejection(
        key=told.id,
        reason="too_long" if completion.finish is Finish.too_long else "error",
        detail=completion.text[:_EXCERPT],
        origin=told.origin,
        excerpt=told.messages[0].content[:_EXCERPT],
        attempts=usage.calls,
        usage=usage,
    )


def _refuse(rejection: Rejection) -> Session[Loss]:
    """Return the rejection without asking anything."""
    yield from ()
    return rejection
