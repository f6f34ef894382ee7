"""Rubrics as data: a folder of criteria (YAML) and the prompt that puts one before a judge (Jinja).

    eval/rubrics/role_play/judge.jinja         the prompt, shared by all criteria
                           <criterion>.yaml    what is asked, and what numbers of points mean

A value or place-holder that is missing, or one too many, is an error before anything is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from opencharacter.errors import SourceError
from opencharacter.ids import digest
from opencharacter.records import Message

PROMPT = "judge.jinja"
_PACKAGE = Path(__file__).parents[1]
_FIELDS = {"title", "question", "attend", "points"}
_WORTH = "worth"  # of labels, where it is not their number
_ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)
_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that answers are judged by."""

    name: str
    title: str
    question: str
    """What is asked of an answer."""
    attend: str
    """What to look at, and what not."""
    scale: tuple[tuple[str, str], ...]
    """Label and meaning, from the fewest points to the most."""

    points: tuple[float, ...]
    """What each label is worth."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What a verdict may be."""
        return tuple(label for label, _ in self.scale)

    @property
    def worth(self) -> dict[str, float]:
        """What each label is worth, by label."""
        return dict(zip(self.labels, self.points, strict=True))


class Shown(NamedTuple):
    """What is put before a judge."""

    persona: str
    facts: Sequence[str]
    """What else is known of the character."""
    before: Sequence[Message]
    """Earlier turns of the dialogue."""
    question: str
    answer: str
    other: str = ""
    """Another answer to it, where two are compared."""
    dialogue: str = ""
    """Hash of the whole dialogue: all questions about it fence its answers alike, so that their
    prompts begin alike; empty = a fence of its own."""


@dataclass(frozen=True)
class Rubric:
    """Criteria with their prompt."""

    title: str
    """Of the folder."""
    criteria: Mapping[str, Criterion]
    prompt: str
    """Source of the template."""

    @cached_property
    def name(self) -> str:
        """`title@hash` of everything that decides what a judge reads."""
        return f"{self.title}@{digest('rubric', self.prompt, dict(self.criteria))[:_HASH]}"

    @cached_property
    def _template(self) -> Template:
        return _ENVIRONMENT.from_string(self.prompt)

    def render(self, criterion: Criterion, shown: Shown, *, as_json: bool = False) -> str:
        """Return what a judge reads: criterion, character, question, then the answer.

        What many prompts share stands first, so that the engine's prefix cache holds it. The answer
        stands between two lines that are a hash of it, or of the dialogue that it is part of: it
        cannot know them, and not end early.

        Args:
            criterion: By which to judge.
            shown: What is judged.
            as_json: Have the verdict written as JSON.
        """
        listed = ", ".join(criterion.labels)
        plain = f"Reply with one of {listed} and nothing else."
        in_json = f'Reply with JSON and nothing else: {{"points": n}}, where n is one of {listed}.'
        text = self._template.render(
            shown._asdict(),
            criterion=criterion,
            fence=f"<<{digest('answer', shown.dialogue or shown)[:8]}>>",
            reply=in_json if as_json else plain,
        )
        return text.strip()


def load_rubric(name: str) -> Rubric:
    """Return the rubric of a folder in eval/rubrics, or of a path.

    Raises:
        SourceError: there is no such folder, or something in it cannot be used.
    """
    folder = _folder(name)
    try:
        prompt = (folder / PROMPT).read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{folder} has no {PROMPT}, the prompt of its criteria") from error
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise SourceError(f"{folder} has no criteria, `<criterion>.yaml`")
    rubric = Rubric(folder.name, {path.stem: _criterion(path) for path in paths}, prompt)
    _try_out(rubric, folder / PROMPT)
    return rubric


def rubrics_dir() -> Path:
    """Return the folder of the project's rubrics: the packaged one, or that of a checkout."""
    packaged = _PACKAGE / "eval_data"
    return (packaged if packaged.is_dir() else _PACKAGE.parent / "eval") / "rubrics"


def _folder(name: str) -> Path:
    own = Path(name).expanduser()
    if own.is_dir():
        return own
    ours = rubrics_dir()
    if (ours / name).is_dir() and "/" not in name:
        return ours / name
    known = ", ".join(sorted(path.name for path in ours.iterdir() if path.is_dir()))
    raise SourceError(
        f"there are no rubrics '{name}': no such folder, and eval/rubrics has {known}"
    )


def _criterion(path: Path) -> Criterion:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"cannot read the criterion {path}: {reason}") from error
    if not isinstance(found, dict) or found.keys() - {_WORTH} != _FIELDS:
        raise SourceError(
            f"{path} must have the keys {', '.join(sorted(_FIELDS))}, and may have {_WORTH}"
        )
    texts = {name: found[name] for name in ("title", "question", "attend")}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise SourceError(f"{path}: {name} must be a text")
    plain = {name: " ".join(text.split()) for name, text in texts.items()}
    scale = _scale(found["points"], path)
    worth = found.get(_WORTH, {int(label): int(label) for label, _ in scale})
    is_worth = isinstance(worth, dict) and worth.keys() == found["points"].keys()
    if not is_worth or not all(isinstance(each, int | float) for each in worth.values()):
        raise SourceError(f"{path}: {_WORTH} must have a number for each of the points")
    points = tuple(float(worth[int(label)]) for label, _ in scale)
    return Criterion(name=path.stem, scale=scale, points=points, **plain)


def _scale(points: Any, path: Path) -> tuple[tuple[str, str], ...]:
    """Return the labels in order of their points; digits, since they are one token each."""
    is_scale = isinstance(points, dict) and all(
        isinstance(n, int) and 0 <= n <= 9 and isinstance(meaning, str) and meaning.strip()
        for n, meaning in points.items()
    )
    if not is_scale or len(points) < 2:
        raise SourceError(f"{path}: points must say what at least two numbers from 0 to 9 mean")
    return tuple((str(n), " ".join(points[n].split())) for n in sorted(points))


def _try_out(rubric: Rubric, path: Path) -> None:
    """Render a prompt of marks; each must be in it.

    Raises:
        SourceError: the template is broken, or leaves out what is to be judged.
    """
    marks = Shown("<persona>", ("<facts>",), (), "<question>", "<answer>", "<other>")
    try:
        text = rubric.render(next(iter(rubric.criteria.values())), marks)
    except TemplateError as error:
        raise SourceError(f"{path} is no template that can be used: {error}") from error
    for mark in (*marks.facts, marks.question, marks.answer):
        if mark not in text:
            raise SourceError(f"{path} does not show the {mark.strip('<>')}")
