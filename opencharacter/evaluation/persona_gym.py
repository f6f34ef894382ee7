"""PersonaGym (arXiv 2407.18416): a file of questions for each persona, which is the file's name.

A file is `{"Expected Action": [question, ...], "Toxicity": [...], ...}`: five tasks of as many
questions each. A file that is otherwise is left out as a whole, with everything that is wrong with
it: half a persona's questions are no PersonaGym, and nobody would see it in a mean.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import category

from opencharacter.checks.placeholders import placeholder
from opencharacter.checks.problem import Problem
from opencharacter.config import SuiteConfig
from opencharacter.errors import SourceError
from opencharacter.evaluation.suite import Suite
from opencharacter.ids import digest
from opencharacter.prompts.character import render_prompt
from opencharacter.records import Domain, EvalItem, Rejection, persona_id
from opencharacter.sources.fingerprint import content_fingerprint, source_fingerprint
from opencharacter.sources.lines import MAX_ROW_BYTES, Row, reject
from opencharacter.sources.pinning import pinned
from opencharacter.sources.rows import hub_files, open_source
from opencharacter.sources.screen import find_flaw, strip_invisible

NAME = "persona_gym"
LIGHT = "persona_gym_light"
"""The suite's name with one question of each task; its items are those of the whole."""
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
FOLDER = "benchmark-v1"
"""Of the question files."""
_HASH = 12
_BESIDE = ("README", "LICENSE", ".DS_Store", ".git", "._")  # files that are no personas
_UNSEEN = "\u200b\u2060\ufeff"
_LOST = "\ufffd"  # what is put for a character that could not be decoded

Questions = dict[str, list[str]]
_Found = Questions | Rejection


def read_persona_gym(config: SuiteConfig) -> Suite:
    """Read the items of a folder of question files, or of rows, as many as the settings say.

    The folder may be a hub data set `hub:owner/name` with such files in a folder benchmark-v1; a
    copy in the hub's cache does without a network. Rows are a file, or another data set, of
    `{"persona", "task", "question"}`, or of `{"persona", "Expected Action": [...], ...}`.

    Raises:
        SourceError: there is nothing at `suite.path`, or it has no questions.
    """
    if not config.path:
        raise SourceError(
            "suite=persona_gym needs suite.path: PersonaGym's folder questions/benchmark-v1 (MIT, "
            "github.com/vsamuel2003/PersonaGym)"
        )
    read_from: dict[str, str] = {}
    location = _hub_folder(config.path, read_from) or Path(config.path).expanduser()
    is_rows = not location.is_dir() and (config.path.startswith("hub:") or location.is_file())
    if is_rows:
        config = replace(config, path=pinned(config.path, None, read_from))
    read, beside = _read_rows(config) if is_rows else _read_folder(location, config)
    drawn = _drawn(list(read), config)
    found = {persona: read[persona]() for persona in drawn}
    broken = [one for one in found.values() if isinstance(one, Rejection)]
    sound = {name: one for name, one in found.items() if not isinstance(one, Rejection)}
    items = [item for name, one in sound.items() for item in _items(name, one, config)]
    missing = _missing(len(read), len(drawn), len(broken), config)
    is_light = config.light or config.questions == 1
    version = (source_fingerprint(config.path) if is_rows else _version(location))[:_HASH]
    return Suite(
        name=f"{LIGHT if is_light else NAME}@{version}",
        items=tuple(items),
        damaged=(*broken, *(beside if is_rows else ())),
        beside=() if is_rows else tuple(beside),
        read_from=read_from,
        n_personas=len(read),
        n_drawn=len(drawn),
        n_lost=len(broken),
        missing=missing + _copied(sound),
    )


def _version(folder: Path) -> str:
    """Return a hash of the question files: what else lies there asks nothing."""
    return digest([(path.name, _hashed(path)) for path in _question_files(folder)])


def _hashed(path: Path) -> str:
    try:
        return content_fingerprint(path)
    except OSError:
        return "unreadable"


def _hub_folder(path: str, read_from: dict[str, str]) -> Path | None:
    """Return the folder of question files of a hub data set; None = it is none, or has none.

    The commit is noted: a snapshot's folder has its name.
    """
    if not path.startswith("hub:"):
        return None
    snapshot = hub_files(path, f"*{FOLDER}/*.json")
    folders = sorted(snapshot.rglob(FOLDER)) if snapshot else []
    if not snapshot or not folders:
        return None
    read_from[path] = snapshot.name
    return folders[0]


def _question_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are called as question files are, one for each name."""
    # Of two that differ in the case of .json the usual one counts.
    order = sorted(folder.iterdir(), key=lambda path: (path.suffix != ".json", path.name))
    files = {path.stem: path for path in reversed(order) if _is_one(path)}
    return [files[stem] for stem in sorted(files)]


def _read_folder(
    folder: Path, config: SuiteConfig
) -> tuple[dict[str, Callable[[], _Found]], list[Rejection]]:
    """Return what reads the questions of each persona of a folder, and files that are none's."""
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; check suite.path")
    files = _question_files(folder)
    if not files:
        raise SourceError(
            f"{folder} has no question files, `<persona>.json`; suite.path is PersonaGym's folder "
            "questions/benchmark-v1"
        )
    beside = [_stray(path) for path in sorted(folder.iterdir()) if path not in files]
    told = [row for row in beside if row is not None]
    return {path.stem: partial(_read, path, config.questions) for path in files}, told


def _stray(path: Path) -> Rejection | None:
    """Return why something beside the question files is none of them; None = it does no harm."""
    if _is_one(path):
        return reject(path.name, "duplicate", "a persona of another file")
    if path.name.startswith(_BESIDE) or (path.is_dir() and path.name.startswith(".")):
        return None
    told = "a question file is called `<persona>.json`"
    what = "a folder, and what is in it is not read; " if path.is_dir() else ""
    return reject(path.name, "wrong_name", what + told)


def _read_rows(
    config: SuiteConfig,
) -> tuple[dict[str, Callable[[], _Found]], list[Rejection]]:
    """Return what checks the questions of each persona of some rows, and rows that are none.

    Where a row is a whole persona, one that cannot be read is a persona that is lost.
    """
    people: dict[str, dict[str, Any]] = {}
    lost: list[Rejection] = []
    are_whole = True
    for row in (row for file in open_source(config.path).files for row in file.rows()):
        if isinstance(row, Rejection):
            lost.append(row)
            continue
        are_whole = are_whole and "question" not in row.value
        if problem := _add_row(people, row):
            lost.append(reject(row.place, problem.reason, problem.detail, row.value))
    if not people:
        raise SourceError(f"{config.path} has no rows with persona, task and question")
    checks: dict[str, Callable[[], _Found]] = {
        name: partial(_checked, name, found, config.questions) for name, found in people.items()
    }
    is_person = [are_whole and row.reason != "duplicate" for row in lost]
    unread = [row for row, is_one in zip(lost, is_person, strict=True) if is_one]
    beside = [row for row, is_one in zip(lost, is_person, strict=True) if not is_one]
    return checks | {row.key: partial(_itself, row) for row in unread}, beside


def _itself(rejection: Rejection) -> _Found:
    return rejection


def _add_row(people: dict[str, dict[str, Any]], row: Row) -> Problem | None:
    """Add a row to what its persona is asked; return why it is none."""
    value = row.value
    persona, task = value.get("persona"), value.get("task")
    if not isinstance(persona, str):
        return Problem("missing_key", "a row needs `persona`, a text")
    if "question" in value and isinstance(task, str):
        listed = people.setdefault(persona, {}).setdefault(task, [])
        if not isinstance(listed, list):
            return Problem("wrong_type", f"{task!r} of this persona was no list before")
        listed.append(value["question"])
        return None
    tasks = {name: value[name] for name in TASKS if name in value}
    if not tasks:
        return Problem("missing_key", "a row needs `task` and `question`, or the five tasks")
    if persona in people:
        return Problem("duplicate", "this persona stood in a row before")
    people[persona] = tasks
    return None


def _checked(persona: str, value: dict[str, Any], n: int) -> _Found:
    problems = _value_problems(value, persona, n)
    return _refused(persona, problems, json.dumps(value)) if problems else _stripped(value)


def _is_one(path: Path) -> bool:
    return path.suffix.lower() == ".json" and not path.name.startswith(".")


def _drawn(personas: list[str], config: SuiteConfig) -> list[str]:
    n = len(personas) if config.n is None else config.n
    if n > len(personas):
        raise SourceError(
            f"suite.n={n:,} asks for more personas than the {len(personas):,} files of "
            f"{config.path}; lower it, or get the rest of them"
        )
    return sorted(personas)[:n]


def _items(persona: str, questions: Questions, config: SuiteConfig) -> list[EvalItem]:
    return [
        EvalItem(
            suite=NAME,  # an item holds all that it is of, whatever lies beside it
            persona_id=persona_id(NAME, persona),
            system=render_prompt(persona),
            persona=persona,
            questions=(question,),
            task=task,
            dimensions=(task,),
            domain=Domain.unknown,
        )
        for key, task in TASKS.items()
        for question in questions[key][: 1 if config.light else None]
    ]


def _missing(personas: int, drawn: int, broken: int, config: SuiteConfig) -> tuple[str, ...]:
    """Return what makes it a part: how many personas there are, are drawn, and are of no use."""
    found = []
    if personas - broken < PUBLISHED:
        are = f"{personas - broken:,} of the {PUBLISHED} published personas are"
        found.append(f"{are} in {config.path}")
    if drawn < personas:
        found.append(f"suite.n={config.n} of {personas:,} personas are played")
    if broken:
        found.append(f"the questions of {broken:,} of {drawn:,} personas are damaged and left out")
    return tuple(found)


def _copied(people: Mapping[str, Questions]) -> tuple[str, ...]:
    """Say who is asked what somebody else is asked: a file under a wrong name, or made so."""
    first: dict[str, str] = {}
    pairs = [(name, first.setdefault(digest(asked), name)) for name, asked in people.items()]
    copies = [(name, other) for name, other in pairs if name != other]
    if not copies:
        return ()
    such = " and ".join(map(repr, copies[0][::-1]))
    return (f"{len(copies):,} personas have the very questions of another, such as {such}",)


def _read(path: Path, n: int) -> Questions | Rejection:
    """Return the questions of a file, or everything that is wrong with it."""
    try:
        text = _text(path)
        problems = [text] if isinstance(text, Problem) else _problems(text, path.stem, n)
    except OSError as error:
        return reject(path.name, "unreadable", error.strerror or str(error))
    if not problems and isinstance(text, str):
        return _stripped(json.loads(text))
    return _refused(path.name, problems, text if isinstance(text, str) else "")


def _stripped(questions: Questions) -> Questions:
    return {task: [strip_invisible(one) for one in listed] for task, listed in questions.items()}


def _refused(key: str, problems: Sequence[Problem], text: str) -> Rejection:
    detail = "; ".join(problem.detail for problem in problems)
    return reject(key, problems[0].reason, detail, text)


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
    twice = [Problem("duplicate_task", f"{name!r} stands in it twice") for name in doubles]
    return twice + _value_problems(value, persona, n)


def _value_problems(value: dict[str, Any], persona: str, n: int) -> list[Problem]:
    found = _persona_problems(persona)
    absent, unknown = sorted(TASKS.keys() - value.keys()), sorted(value.keys() - TASKS.keys())
    found += [Problem("missing_task", f"it lacks {name!r}") for name in absent]
    found += [Problem("unknown_task", f"{name!r} is no task") for name in unknown]
    for task in TASKS:
        if task in value:
            found += _task_problems(task, value[task], n)
    return found


def _persona_problems(persona: str) -> list[Problem]:
    if not strip_invisible(persona):
        return [Problem("empty_persona", "the persona, which is the file's name, is empty")]
    flaw = find_flaw(persona)
    if flaw:
        return [Problem(flaw.reason, f"the persona: {flaw.detail}")]
    is_hidden = any(sign in _UNSEEN or category(sign) == "Cc" for sign in persona)
    if is_hidden or strip_invisible(persona) != persona:
        detail = (
            f"the persona, which is the file's name, has characters that nobody sees: {persona!a}"
        )
        return [Problem("hidden_characters", detail)]
    return []


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
        elif problem := _question_problem(question):
            found.append(Problem(problem.reason, f"{task!r} {number}: {problem.detail}"))
        elif (first := seen.setdefault(strip_invisible(question), number)) != number:
            detail = f"{task!r} {number} is question {first} again"
            found.append(Problem("duplicate_question", detail))
    if len(questions) != n:
        detail = f"{task!r} has {len(questions)} questions, suite.questions says {n}"
        found.append(Problem("wrong_number", detail))
    return found


def _question_problem(question: str) -> Problem | None:
    """Return why a text cannot be asked as it stands."""
    if flaw := find_flaw(question):
        return Problem(flaw.reason, flaw.detail)
    if _LOST in question:
        return Problem("lost_characters", f"{question.count(_LOST)} were lost in decoding")
    if found := placeholder(question):
        return Problem("placeholder", f"nobody filled in {found}")
    return None
