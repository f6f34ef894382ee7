"""Measure how the embedded model judges, on characters it was not trained on: labels by rule."""

from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

from opencharacter.llm.requests import Completion, Model, Request, Sampling
from opencharacter.prompts.rubrics import load_rubric
from opencharacter.records import Message, Role
from opencharacter.train.embedded.judged import judged
from opencharacter.train.embedded.scenes import Scene

MASS = 0.5
"""Least probability of all labels together that makes a verdict; as `judge.min_mass`."""
FALL = 0.1
"""Points by which a fault must lower a score; as `qualify.fall`."""

_SEED = 9
_VERDICT = Sampling(temperature=0, top_p=1, max_tokens=1)
_FAULTS = {
    "swapped": "persona_consistency",
    "wrong": "persona_consistency",
    "program": "persona_consistency",
    "foreign": "linguistic_habits",
}


class Told(NamedTuple):
    """What a judge said of one prompt."""

    mass: float
    value: float
    """Expected label."""


class Counted(NamedTuple):
    """How often it did right."""

    name: str
    hits: int
    n: int


def judge_counts(model: Model, n: int) -> list[Counted]:
    """Return label mass, labels that are right, and faults that lower the score.

    Args:
        model: From `open_model`.
        n: Cases, of about eight prompts each; and pairs of each fault.
    """
    cases = list(islice(judged(_SEED, heldout=True), n))
    flat = [pair for case in cases for pair in zip(case.prompts, case.labels, strict=True)]
    told = ask_labels(model, [prompt for prompt, _ in flat])
    right: dict[str, list[bool]] = {"points within one": [], "fact": [], "better of two": []}
    for (prompt, label), verdict in zip(flat, told, strict=True):
        points = len(labels_of(prompt))
        kind = {5: "points within one", 3: "fact", 2: "better of two"}[points]
        right[kind].append(abs(verdict.value - int(label)) < (1 if points == 5 else 0.5))
    masses = [verdict.mass >= MASS for verdict in told]
    found = [Counted("judge: label mass of 0.5", sum(masses), len(masses))]
    found += [Counted(f"judge: {name}", sum(hits), len(hits)) for name, hits in right.items()]
    return found + [_fault(model, kind, n) for kind in _FAULTS]


def _fault(model: Model, kind: str, n: int) -> Counted:
    """Return how often an answer with a fault gets less than the right one to the same question."""
    random = Random(f"check judging {kind}")
    rubric = load_rubric("role_play")
    criterion = rubric.criteria[_FAULTS[kind]]
    prompts = []
    for _ in range(n):
        scene = Scene.drawn(random, heldout=True)
        for each in ("own", kind):
            said = scene.answer(random, each, firm=True)
            prompts.append(rubric.render(criterion, scene.shown(said.text)))
    values = [verdict.value for verdict in ask_labels(model, prompts)]
    hits = sum(own - other > FALL for own, other in zip(values[::2], values[1::2], strict=True))
    return Counted(f"judge: {kind} gets less", hits, n)


def ask_labels(model: Model, prompts: Sequence[str]) -> list[Told]:
    """Return what the model says of prompts that name their labels."""
    asked = [labels_of(prompt) for prompt in prompts]
    for at, (prompt, labels) in enumerate(zip(prompts, asked, strict=True)):
        messages = (Message(role=Role.user, content=prompt),)
        model.submit(at, Request(messages=messages, sampling=_VERDICT, seed=0, labels=labels))
    replies: dict[int, Completion] = {}
    while len(replies) < len(prompts):
        replies |= model.collect()
    return [_told(replies[at], labels) for at, labels in enumerate(asked)]


def labels_of(prompt: str) -> tuple[str, ...]:
    """Return the labels that a prompt asks for."""
    asked = prompt.rpartition("Reply with one of ")[2].removesuffix(" and nothing else.")
    return tuple(asked.split(", "))


def _told(completion: Completion, labels: Sequence[str]) -> Told:
    probabilities = completion.probabilities or (0.0,) * len(labels)
    mass = sum(probabilities)
    expected = sum(p * int(label) for p, label in zip(probabilities, labels, strict=True))
    return Told(mass, expected / mass if mass else -1.0)
