"""A model plays an item: the questions in turn, and what went wrong in each answer.

An answer is taken as it is. Only a fault of the engine or the server is asked again, with the same
seed; a bad answer is what the model does, and drawing until there is a good one would hide it.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from opencharacter.checks.breaking import breaks_character, persona_is_machine
from opencharacter.config import EVERY, PlayConfig, SamplingConfig
from opencharacter.errors import ConfigError
from opencharacter.evaluation.suite import Suite
from opencharacter.evaluation.users import Said, SimulatedUser, Unusable
from opencharacter.ids import part_of, request_seed
from opencharacter.llm.requests import (
    Completion,
    Finish,
    Model,
    Request,
    Sampling,
    Session,
    add_usage,
    sampling_json,
    sum_usage,
)
from opencharacter.llm.work import Plan
from opencharacter.prompts.character import render_prompt
from opencharacter.records import (
    Call,
    Control,
    EvalItem,
    Failure,
    Message,
    Rejection,
    Role,
    Transcript,
    Usage,
    persona_id,
)
from opencharacter.sources.lines import storable
from opencharacter.store.claims import Part

KEY_COLUMNS = ("item_id", "control", "sample")
"""Columns of a transcript that make up `Task.key`."""


_DETAIL_CHARS = 500


class Task(NamedTuple):
    """One item, played once under one control."""

    item: EvalItem
    control: Control
    sample: int
    system: str
    """The system prompt that is shown; empty = none."""

    @property
    def key(self) -> str:
        """The key of this work: `item id/control/sample`."""
        return f"{self.item.id}/{self.control}/{self.sample}"


class Failed(NamedTuple):
    """What is wrong with an answer."""

    failure: Failure
    detail: str


def tasks_of(suite: Suite, config: PlayConfig) -> list[Task]:
    """Return everything to be played; items of one person and control stand together.

    Raises:
        ConfigError: a control changes nothing, or there is nobody to swap with.
    """
    shown = _shown(suite, config)
    return [
        Task(item, control, sample, systems[item.id])
        for control, systems in shown.items()
        for item in suite.items
        for sample in range(config.samples)
    ]


def _shown(suite: Suite, config: PlayConfig) -> dict[Control, dict[str, str]]:
    """Return the system prompts under each control, by the item's id."""
    if config.controls == [EVERY]:
        able = [c for c in Control if c is not Control.swapped_persona or len(suite.people) > 1]
        shown = {control: _systems(suite, control) for control in able}
        return {c: systems for c, systems in shown.items() if _changes(suite, c, systems)}
    shown = {Control(name): _systems(suite, Control(name)) for name in config.controls}
    for control, systems in shown.items():
        if not _changes(suite, control, systems):
            lacks = "profile" if control is Control.persona_only else "persona"
            raise ConfigError(
                f"play.controls names {control}, but the items of {suite.name} have no {lacks}: it "
                "would be `none` again; leave it out"
            )
    return shown


def _systems(suite: Suite, control: Control) -> dict[str, str]:
    """Return the system prompt of each item under a control, by the item's id."""
    if not any(item.system for item in suite.items):
        return {item.id: "" for item in suite.items}
    if control is Control.swapped_persona:
        others = _others(suite)
        return {item.id: others[item.persona_id] for item in suite.items}
    if control is Control.persona_only:
        return {item.id: render_prompt(item.persona) for item in suite.items}
    is_bare = control is Control.no_persona
    return {item.id: "" if is_bare else item.system for item in suite.items}


def _changes(suite: Suite, control: Control, systems: Mapping[str, str]) -> bool:
    """Tell whether a control changes a prompt; `none` need not."""
    return control is Control.none or any(systems[i.id] != i.system for i in suite.items)


def _others(suite: Suite) -> dict[str, str]:
    """Return the system prompt of the next person for each; the last has the first one's."""
    people = suite.people
    if len(people) < 2:
        raise ConfigError(
            f"play.controls names swapped_persona, and {suite.name} has {len(people)} persona to "
            "swap among; take more, or leave it out"
        )
    nexts = [*people[1:], people[0]]
    return {one.persona_id: other.system for one, other in zip(people, nexts, strict=True)}


def play_plan(
    suite: Suite, tasks: Sequence[Task], play: Callable[[Task], Session[Transcript]]
) -> Plan[Transcript]:
    """Return the work: a transcript for each task, a rejection for whatever is damaged."""

    @cache
    def by_part(of: int) -> dict[int, list[Task | Rejection]]:
        found: dict[int, list[Task | Rejection]] = {}
        for task in tasks:
            found.setdefault(part_of(task.item.persona_id, of), []).append(task)
        for row in suite.damaged:
            found.setdefault(part_of(persona_id(suite.name, row.key), of), []).append(row)
        return found

    def sessions(part: Part) -> Iterator[tuple[str, Session[Transcript]]]:
        for work in by_part(part.of).get(part.number, ()):
            session = _refuse(work) if isinstance(work, Rejection) else play(work)
            yield work.key, session

    return Plan(
        keys=lambda: [*(task.key for task in tasks), *(row.key for row in suite.damaged)],
        sessions=sessions,
        key_columns=KEY_COLUMNS,
        record_type=Transcript,
    )


def _refuse(rejection: Rejection) -> Session[Transcript]:
    """Return the rejection without asking anything."""
    yield from ()
    return rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A model under test, and how it is asked."""

    model: Model
    settings: PlayConfig
    seed: int
    """The run's."""

    @property
    def _user(self) -> SimulatedUser:
        return SimulatedUser(
            sampling=requested(self.settings.user_sampling),
            retries=self.settings.user_retries,
            seed=self.seed,
        )

    def play(self, task: Task) -> Session[Transcript]:
        """Ask the questions of an item in turn; the model sees its own earlier answers.

        It goes on after an answer that is refused or cut off, as a user would; an empty one, or a
        fault of the engine, ends the dialogue; so does a user, played by a model, who fails.
        """
        played = _Played(task)
        for turn, fixed in enumerate(task.item.questions):
            question = fixed or (yield from self._say(turn, played))
            if not question:
                break
            played.messages.append(Message(role=Role.user, content=question))
            request = self._request(task, turn, tuple(played.messages))
            completion = yield from self._answer(request, played)
            played.calls.append(self._call(request))
            played.finishes.append(str(completion.finish))
            failed = failed_of(completion, question, task.item.persona)
            played.failures.append(failed)
            if failed and failed.failure in _ENDING:
                break
            answer = Message(role=Role.assistant, content=storable(completion.text))
            played.messages.append(answer)
        return played.transcript(self.model.name)

    def _say(self, turn: int, played: "_Played") -> Generator[Request, Completion, str]:
        """Return what the model that plays the user says; empty = it cannot go on."""
        task = played.task
        said = yield from self._user.speak(
            task.item, played.dialogue, turn=turn, sample=task.sample
        )
        played.hear(said)
        return said.text

    def _answer(
        self, request: Request, played: "_Played"
    ) -> Generator[Request, Completion, Completion]:
        for again in range(self.settings.retries, -1, -1):
            completion = yield request
            played.usage = add_usage(played.usage, completion)
            if completion.finish is not Finish.error or not again:
                return completion
        raise AssertionError("the last attempt returns")

    def _request(self, task: Task, turn: int, messages: tuple[Message, ...]) -> Request:
        # The control is no part of it: with the same seed only the prompt differs.
        return Request(
            messages=messages,
            sampling=requested(self.settings.sampling),
            seed=request_seed(self.seed, task.item.id, "play", turn, task.sample),
        )

    def _call(self, request: Request) -> Call:
        return Call(
            model=self.model.name,
            prompt_sha256=request.key(self.model.name),
            sampling=sampling_json(request.sampling),
            seed=request.seed,
            engine=self.model.engine,
        )


_ENDING = (Failure.empty, Failure.error)
"""What ends a dialogue: there is nothing that a user could go on from."""


@dataclass(slots=True)
class _Played:
    """A dialogue while it is played."""

    task: Task
    messages: list[Message] = field(default_factory=list)
    failures: list[Failed | None] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    user_usage: Usage = field(default_factory=Usage)
    user_failed: Unusable | None = None

    def __post_init__(self) -> None:
        if self.task.system:
            self.messages.append(Message(role=Role.system, content=self.task.system))
        self.messages += self.task.item.history

    @property
    def dialogue(self) -> list[Message]:
        """What was said since the first question."""
        return self.task.item.played(self.messages)

    def hear(self, said: Said) -> None:
        """Count what a user's turn took, and why there is none."""
        self.user_usage = sum_usage(self.user_usage, said.usage)
        self.user_failed = said.unusable

    def transcript(self, model: str) -> Transcript:
        item = self.task.item
        first = next((failed for failed in self.failures if failed), None)
        return Transcript(
            item_id=item.id,
            persona_id=item.persona_id,
            suite=item.suite,
            task=item.task,
            domain=item.domain,
            model=model,
            control=self.task.control,
            sample=self.task.sample,
            messages=tuple(self.messages),
            failure=first.failure if first else None,
            detail=storable(first.detail[:_DETAIL_CHARS]) if first else "",
            turn_failures=tuple(str(f.failure) if f else "" for f in self.failures),
            finish_reasons=tuple(self.finishes),
            call=self.calls[0],
            usage=self.usage,
            user_failure=self.user_failed.failure if self.user_failed else None,
            user_detail=storable(self.user_failed.detail[:_DETAIL_CHARS])
            if self.user_failed
            else "",
            user_usage=self.user_usage,
        )


def requested(config: SamplingConfig) -> Sampling:
    """Return what every request carries."""
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        min_p=config.min_p,
        max_tokens=config.max_tokens,
        max_repeats=config.max_repeats,
    )


def failed_of(completion: Completion, question: str, persona: str) -> Failed | None:
    """Return why an answer is no role-play at all, or None.

    Args:
        completion: What came back.
        question: That it answers: a question about machines may be answered with what they say.
        persona: Who was to answer; that of a machine may say so.
    """
    if completion.finish is not Finish.stop:
        return _unfinished(completion)
    if not completion.text.strip():
        return Failed(Failure.empty, "the model said nothing")
    plain = completion.text.lower().replace("\u2019", "'")
    refused = breaks_character(plain, is_machine=True, question=question)
    said = breaks_character(plain, is_machine=persona_is_machine(persona), question=question)
    if said and said != refused:
        return Failed(Failure.leaves_character, said)
    return Failed(Failure.refusal, refused) if refused else None


def _unfinished(completion: Completion) -> Failed:
    """Return what it means that the model did not end its own turn."""
    tokens = f"{completion.output_tokens} tokens"
    match completion.finish:
        case Finish.length:
            return Failed(Failure.truncated, f"cut off after {tokens}")
        case Finish.repetition:
            return Failed(Failure.truncated, f"stopped after {tokens}, the last in circles")
        case Finish.filtered:
            return Failed(Failure.refusal, "the server's filter stepped in")
        case Finish.too_long:
            return Failed(Failure.error, f"prompt too long: {completion.text}")
    return Failed(Failure.error, completion.text or str(completion.finish))
