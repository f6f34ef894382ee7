"""Measure the embedded model through the vLLM back end, on characters it was not trained on."""

import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from opencharacter.config import ModelConfig
from opencharacter.llm import opening
from opencharacter.llm.requests import Completion, Model, Request, Sampling
from opencharacter.prompts.character import system_message
from opencharacter.prompts.profile import FIELDS, profile_prompt, profile_schema
from opencharacter.prompts.rewrite import rewrite_prompt, rewrite_schema
from opencharacter.records import Message, Role
from opencharacter.train.embedded.answers import DIRECT
from opencharacter.train.embedded.characters import Cast, cast
from opencharacter.train.embedded.check_judging import judge_counts
from opencharacter.train.embedded.personas import persona_line
from opencharacter.train.embedded.phrases import instruction, reference
from opencharacter.train.embedded.pretrain import FOLDER
from opencharacter.train.embedded.words import full_name

SAMPLINGS = {"greedy": (0.0, 1.0, 0.0), "sampled": (0.7, 0.95, 0.05)}
"""Temperature, top_p and min_p."""

_SMALL_WORDS = frozenset(
    "a an the of to and in for with on at by from that is are was as it its this or but not who "
    "whose which their his her they he she you your i my me we our has have had be been".split()
)


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    sampling: str
    hits: int
    n: int


def open_model(folder: Path = FOLDER) -> Model:
    """Return the model as the package opens it on a CPU."""
    name = opening.EMBEDDED if folder == FOLDER else str(folder)
    return opening.open_model(ModelConfig(model=name, max_length=2048, seats=128, threads=1))


def measure(
    model: Model, *, n: int = 100, personas: Sequence[str] = (), sampling: str = "greedy"
) -> list[Figure]:
    """Return all figures of one sampling.

    Args:
        model: From `open_model`.
        n: How many cases of each kind.
        personas: Real persona lines, measured beside the generated ones.
        sampling: A key of SAMPLINGS.
    """
    random = Random(f"check {sampling}")
    lines = [persona_line(random, heldout=True).text for _ in range(n)]
    figures = profile_figures(model, lines, "generated", sampling)
    if personas:
        figures += profile_figures(model, personas, "real", sampling)
    people = [cast(random, persona_line(random, heldout=True)) for _ in range(n)]
    figures += answer_figures(model, people, sampling)
    return [*figures, *rewrite_figures(model, people, sampling)]


def judge_figures(model: Model, n: int) -> list[Figure]:
    """Return how the judge judges; a verdict is probabilities, so nothing is drawn."""
    return [Figure(each.name, "greedy", each.hits, each.n) for each in judge_counts(model, n)]


def profile_figures(
    model: Model, personas: Sequence[str], kind: str, sampling: str
) -> list[Figure]:
    """Return how many profiles are valid and how many carry the persona's words (>= 0.6)."""
    random = Random("hints")
    prompts = []
    for at, persona in enumerate(personas):
        hints = [full_name(random) for _ in range(5)] if at % 2 else []
        prompts.append([_user(profile_prompt(persona, name_hints=hints))])
    replies = ask(model, prompts, sampling, 700, [profile_schema()] * len(prompts))
    fields = [as_profile(reply) for reply in replies]
    carried = sum(
        share_kept(persona, json.dumps(profile, ensure_ascii=False)) >= 0.6
        for persona, profile in zip(personas, fields, strict=True)
        if profile
    )
    return [
        Figure(f"profile valid, {kind} personas", sampling, sum(map(bool, fields)), len(fields)),
        Figure(f"persona carried over, {kind} personas", sampling, carried, len(fields)),
    ]


def answer_figures(model: Model, people: Sequence[Cast], sampling: str) -> list[Figure]:
    """Return exact answers to questions about name, age and birth place, and open answers."""
    random = Random("questions")
    figures = []
    for about in ("name", "age", "birth_place"):
        chats = [_chat(person, random.choice(DIRECT[about])) for person in people]
        replies = ask(model, chats, sampling, 150)
        hits = sum(
            _states(reply, about, person) for reply, person in zip(replies, people, strict=True)
        )
        figures.append(Figure(f"answer: {about}", sampling, hits, len(people)))
    replies = ask(model, [_chat(p, instruction(random)[:800]) for p in people], sampling, 150)
    closed = sum(bool(reply.strip()) and not reply.endswith("\0") for reply in replies)
    return [*figures, Figure("open answer closed and not empty", sampling, closed, len(people))]


def rewrite_figures(model: Model, people: Sequence[Cast], sampling: str) -> list[Figure]:
    """Return valid rewrites, and those that keep all numbers and 85 % of the words."""
    random = Random("references")
    questions = [[instruction(random)[:300]] for _ in people]
    answers = [[reference(random, random.randint(20, 450))[:600].strip()] for _ in people]
    prompts = [
        [_user(rewrite_prompt(person.character, asked, given))]
        for person, asked, given in zip(people, questions, answers, strict=True)
    ]
    replies = ask(model, prompts, sampling, 700, [rewrite_schema(asked) for asked in questions])
    spoken = [as_answers(reply) for reply in replies]
    kept = sum(
        bool(said) and keeps(given[0], said[0]) for given, said in zip(answers, spoken, strict=True)
    )
    return [
        Figure("rewrite valid", sampling, sum(map(bool, spoken)), len(people)),
        Figure("rewrite keeps the reference", sampling, kept, len(people)),
    ]


def ask(
    model: Model,
    chats: Sequence[Sequence[Message]],
    sampling: str,
    max_tokens: int,
    schemas: Sequence[dict[str, Any]] | None = None,
) -> list[str]:
    """Return the replies; one that is not closed by the model ends with a null character."""
    temperature, top_p, min_p = SAMPLINGS[sampling]
    drawn = Sampling(
        temperature=temperature, top_p=top_p, min_p=min_p, max_tokens=max_tokens, max_repeats=16
    )
    for at, chat in enumerate(chats):
        schema = schemas[at] if schemas else None
        model.submit(at, Request(messages=tuple(chat), sampling=drawn, seed=at, schema=schema))
    replies: dict[int, Completion] = {}
    while len(replies) < len(chats):
        replies |= model.collect()
    ordered = [replies[at] for at in range(len(chats))]
    return [reply.text + ("" if reply.is_usable else "\0") for reply in ordered]


def as_profile(reply: str) -> dict[str, Any] | None:
    """Return the eight fields, or None where the reply is not a profile."""
    try:
        fields = json.loads(reply)
    except json.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) and list(fields) == list(FIELDS) else None


def as_answers(reply: str) -> list[str]:
    """Return the assistant's turns of a rewritten dialogue, or nothing where it is not one."""
    try:
        return [turn["assistant"] for turn in json.loads(reply)["dialogue"]]
    except (json.JSONDecodeError, KeyError, TypeError):
        return []


def share_kept(source: str, text: str) -> float:
    """Return which share of the source's content words stands in `text`; 1.0 if it has none."""
    wanted = {word for word in re.findall(r"\w+", source.lower()) if word not in _SMALL_WORDS}
    return len(wanted & set(re.findall(r"\w+", text.lower()))) / len(wanted) if wanted else 1.0


def keeps(given: str, said: str) -> bool:
    """Tell whether every number and at least 85 % of the content words are kept."""
    numbers = re.findall(r"\d+", given)
    has_numbers = set(numbers) <= set(re.findall(r"\d+", said))
    return has_numbers and share_kept(given, said) >= 0.85


def read_personas(path: Path, n: int) -> list[str]:
    """Return the first `n` lines' `persona` of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line)["persona"] for line in islice(file, n)]


def _states(reply: str, about: str, person: Cast) -> bool:
    if about == "age":
        return str(person.fields["age"]) in re.findall(r"\d+", reply)
    return str(person.fields[about]) in reply


def _chat(person: Cast, question: str) -> list[Message]:
    return [system_message(person.character), _user(question)]


def _user(text: str) -> Message:
    return Message(role=Role.user, content=text)
