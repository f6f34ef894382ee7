"""PersonaGym (arXiv 2407.18416): a file of questions for each persona, which is the file's name.

A file is `{"Expected Action": [question, ...], "Toxicity": [...], ...}`: five tasks of as many
questions each. A file that is otherwise is left out as a whole, with everything that is wrong with
it: half a persona's questions are no PersonaGym, and nobody would see it in a mean.
"""

import json
from pathlib import Path
from typing import Any

from opencharacter.checks.problem import Problem
from opencharacter.config import Mode, SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.suite import Suite
from opencharacter.ids import shuffled
from opencharacter.prompts.character import render_prompt
from opencharacter.records import Domain, EvalItem, Rejection, persona_id
from opencharacter.sources.fingerprint import content_fingerprint
from opencharacter.sources.lines import MAX_ROW_BYTES, reject
from opencharacter.sources.screen import find_flaw, strip_invisible

NAME = "persona_gym"
TASKS = {
    "Expected Action": "expected_action",
    "Toxicity": "toxicity_control",
    "Linguistic Habits": "linguistic_habits",
    "Persona Consistency": "persona_consistency",
    "Action Justification": "action_justification",
}
"""Keys of a file, and what the tasks are called here: each is scored by the criterion so named."""
PUBLISHED = 200
"""Personas of benchmark-v1."""
_HASH = 12
_SHOWN = 3  # problems of one file that are told

Questions = dict[str, list[str]]


def read_persona_gym(config: SuiteConfig) -> Suite:
    """Read the items of a folder of question files, as many as the settings say.

    Raises:
        SourceError: there is no such folder, or it has no question files.
    """
    folder = _folder(config.path)
    files = {path.stem: path for path in sorted(folder.iterdir()) if _is_one(path)}
    if not files:
        raise SourceError(
            f"{folder} has no question files, `<persona>.json`; suite.path is PersonaGym's folder "
            "questions/benchmark-v1"
        )
    name = f"{NAME}@{content_fingerprint(folder)[:_HASH]}"
    drawn = _drawn(list(files), config)
    items: list[EvalItem] = []
    damaged: list[Rejection] = []
    for persona in drawn:
        questions = _read(files[persona], config.questions)
        if isinstance(questions, Rejection):
            damaged.append(questions)
        else:
            items += _items(name, persona, questions, config)
    return Suite(
        name=name,
        items=tuple(items),
        damaged=tuple(damaged),
        n_personas=len(files),
        n_drawn=len(drawn),
        missing=_missing(len(files), len(drawn), len(damaged), config),
    )


def _folder(path: str) -> Path:
    if not path:
        raise SourceError(
            "suite=persona_gym needs suite.path: PersonaGym's folder questions/benchmark-v1 (MIT, "
            "github.com/vsamuel2003/PersonaGym)"
        )
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; check suite.path")
    return folder


def _is_one(path: Path) -> bool:
    return path.suffix.lower() == ".json" and not path.name.startswith(".")


def _drawn(personas: list[str], config: SuiteConfig) -> list[str]:
    n = len(personas) if config.n is None else config.n
    if n > len(personas):
        raise SourceError(
            f"suite.n={n:,} asks for more personas than the {len(personas):,} files of "
            f"{config.path}; lower it, or get the rest of them"
        )
    if config.mode is Mode.compat or config.n is None:
        return sorted(personas)[:n]
    return shuffled(personas, config.seed, "personas")[:n]


def _items(suite: str, persona: str, questions: Questions, config: SuiteConfig) -> list[EvalItem]:
    return [
        EvalItem(
            suite=suite,
            persona_id=persona_id(NAME, persona),
            system=render_prompt(persona),
            persona=persona,
            questions=(question,),
            task=task,
            dimensions=(task,),
            domain=Domain.unknown,
        )
        for key, task in TASKS.items()
        for question in _asked(questions[key], persona, task, config)
    ]


def _asked(questions: list[str], persona: str, task: str, config: SuiteConfig) -> list[str]:
    if not config.light:
        return questions
    if config.mode is Mode.compat:
        return questions[:1]
    return shuffled(questions, config.seed, persona, task)[:1]


def _missing(files: int, drawn: int, damaged: int, config: SuiteConfig) -> tuple[str, ...]:
    found = []
    if files < PUBLISHED:
        found.append(f"{files:,} of the {PUBLISHED} published personas are in {config.path}")
    if drawn < files:
        found.append(f"suite.n={config.n} of {files:,} personas are played")
    if damaged:
        found.append(f"{damaged:,} of {drawn:,} question files are damaged and left out")
    return tuple(found)


def _read(path: Path, n: int) -> Questions | Rejection:
    """Return the questions of a file, or everything that is wrong with it."""
    try:
        text = _text(path)
        problems = [text] if isinstance(text, Problem) else _problems(text, path.stem, n)
    except OSError as error:
        return reject(path.name, "unreadable", error.strerror or str(error))
    if not problems and isinstance(text, str):
        found: Questions = json.loads(text)
        return {task: [strip_invisible(one) for one in listed] for task, listed in found.items()}
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    detail = "; ".join(problem.detail for problem in problems[:_SHOWN]) + more
    return reject(path.name, problems[0].reason, detail, text if isinstance(text, str) else "")


def _text(path: Path) -> str | Problem:
    if not path.is_file():
        return Problem("unreadable", "it is a folder or a link to nothing, and no file")
    size = path.stat().st_size
    if size > MAX_ROW_BYTES:
        return Problem("too_long", f"{size:,} bytes; at most {MAX_ROW_BYTES:,} are read")
    raw = path.read_bytes()
    if not raw.strip():
        return Problem("empty", "the file is empty")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Problem("invalid_utf8", f"byte {error.start:,} is {raw[error.start]:#04x}")


def _problems(text: str, persona: str, n: int) -> list[Problem]:
    doubles: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        doubles.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        return [Problem("broken_json", str(error))]
    if not isinstance(value, dict):
        detail = f"it holds a {type(value).__name__}, not an object of the five tasks"
        return [Problem("wrong_type", detail)]
    found = _persona_problems(persona)
    found += [Problem("duplicate_task", f"{name!r} stands in it twice") for name in doubles]
    absent, unknown = sorted(TASKS.keys() - value.keys()), sorted(value.keys() - TASKS.keys())
    found += [Problem("missing_task", f"it lacks {name!r}") for name in absent]
    found += [Problem("unknown_task", f"{name!r} is no task") for name in unknown]
    for task in TASKS:
        if task in value:
            found += _task_problems(task, value[task], n)
    return found


def _persona_problems(persona: str) -> list[Problem]:
    if not strip_invisible(persona):
        return [Problem("empty_persona", "the file's name, which is the persona, is empty")]
    flaw = find_flaw(persona)
    return [Problem(flaw.reason, f"the file's name: {flaw.detail}")] if flaw else []


def _task_problems(task: str, questions: Any, n: int) -> list[Problem]:
    if not isinstance(questions, list):
        detail = f"{task!r} is a {type(questions).__name__}, not a list of questions"
        return [Problem("wrong_type", detail)]
    found: list[Problem] = []
    seen: dict[str, int] = {}
    for number, question in enumerate(questions, start=1):
        if not isinstance(question, str):
            what = type(question).__name__
            found.append(Problem("wrong_type", f"{task!r} {number} is a {what}, not a text"))
        elif not strip_invisible(question):
            found.append(Problem("empty_question", f"{task!r} {number} is empty"))
        elif flaw := find_flaw(question):
            found.append(Problem(flaw.reason, f"{task!r} {number}: {flaw.detail}"))
        elif (first := seen.setdefault(strip_invisible(question), number)) != number:
            detail = f"{task!r} {number} is question {first} again"
            found.append(Problem("duplicate_question", detail))
    if len(questions) != n:
        detail = f"{task!r} has {len(questions)} questions, suite.questions says {n}"
        found.append(Problem("wrong_number", detail))
    return found
