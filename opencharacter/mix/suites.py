"""Evaluation suites as texts that must not be trained on: whoever's they are, in any usual layout.

A suite is a file, or a folder of files, of .jsonl, .json or .parquet. An item is

- a row with a persona, questions or reference answers under the usual keys, or
- a JSON file of one object whose values are lists of questions, as PersonaGym has one for each
  persona; the file's name is the persona, and the keys name the tasks.

A row of which nothing can be read is an error: a suite that is half read finds half of the overlap.
"""

from collections.abc import Iterator, Sequence
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.errors import SourceError
from opencharacter.records import Rejection, Role
from opencharacter.sources.layouts import LayoutError, Turn, read_turns
from opencharacter.sources.project import project_eval_dir
from opencharacter.sources.rows import open_source

PROJECT = "eval"
"""As a path: every suite of the project."""

_KNOWN = (".json", ".jsonl", ".parquet")
_PERSONA = ("persona", "input persona", "character", "persona_text", "profile")
_QUESTIONS = ("question", "questions", "prompt", "prompts", "query", "turns", "topic", "goal")
_ANSWERS = (
    *("answer", "answers", "reference", "references", "reference_answer", "generated", "response"),
)
_DIALOGUE = ("messages", "conversations", "instruction", "synthesized text")
_NAMED = ("id", "question_id", "item_id")


class Item(NamedTuple):
    """One thing that a suite asks."""

    suite: str
    place: str
    """File and line, with the row's id or the task's name where there is one."""
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    """For reference."""
    persona: str = ""


class Suite(NamedTuple):
    """What one path of `mix.suites` names, or one suite of the project."""

    name: str
    path: Path


def find_suites(paths: Sequence[str], eval_dir: Path | None = None) -> list[Suite]:
    """Return the suites behind the paths.

    `eval` stands for the project's: every folder and every file in `eval/suites`. Where there are
    none yet, it stands for nothing.

    Args:
        paths: Files or folders, or `eval`.
        eval_dir: Where the project's data on evaluation is; None = in the package or the checkout.

    Raises:
        SourceError: there is nothing at a path, or two suites have one name.
    """
    found: list[Suite] = []
    for path in paths:
        if path == PROJECT:
            folder = (eval_dir or project_eval_dir()) / "suites"
            inside = sorted(folder.iterdir()) if folder.is_dir() else []
            found += [Suite(p.name, p) for p in inside if p.is_dir()]
            found += [Suite(p.stem, p) for p in inside if p.suffix in _KNOWN and p.is_file()]
            continue
        location = Path(path).expanduser()
        if not location.exists():
            raise SourceError(f"there is no evaluation suite at {path}; check mix.suites")
        whole = location.resolve()
        found.append(Suite(whole.name if whole.is_dir() else whole.stem, location))
    names = [suite.name for suite in found]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SourceError(
            f"two evaluation suites are called {double[0]}; rename a file or folder of mix.suites"
        )
    return found


def read_suite(suite: Suite) -> Iterator[Item]:
    """Yield the items of a suite.

    Raises:
        SourceError: a file or a row of it cannot be read, or there is no item at all.
    """
    files = [suite.path] if suite.path.is_file() else sorted(suite.path.rglob("*"))
    is_empty = True
    for file in files:
        if file.suffix.lower() in _KNOWN and file.is_file():
            for item in _read_file(suite, file):
                is_empty = False
                yield item
    if is_empty:
        raise SourceError(
            f"the evaluation suite {suite.path} has no items in any of {', '.join(_KNOWN)} files; "
            "check mix.suites"
        )


def _read_file(suite: Suite, file: Path) -> Iterator[Item]:
    whole = _single_object(file) if file.suffix.lower() == ".json" else None
    if whole is not None:
        yield from _of_object(suite, file, whole)
        return
    for source in open_source(str(file), "").files:
        for row in source.rows():
            if isinstance(row, Rejection):
                raise SourceError(
                    f"{row.origin} of the evaluation suite {suite.name} cannot be read "
                    f"({row.reason}: {row.detail}); mend it, so that its overlap is seen"
                )
            yield _of_row(suite, row.place, row.value)


def _single_object(file: Path) -> dict[str, Any] | None:
    """Return what a file of one JSON object holds, None for a list or JSON lines."""
    try:
        value = loads(file.read_text(encoding="utf-8-sig"))
    except (JSONDecodeError, UnicodeDecodeError):
        return None  # JSON lines, or broken: the reader of rows says where
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}; check mix.suites") from error
    return value if isinstance(value, dict) else None


def _of_object(suite: Suite, file: Path, value: dict[str, Any]) -> Iterator[Item]:
    tasks = {key: texts for key, texts in value.items() if _is_texts(texts)}
    if set(value) & {*_PERSONA, *_QUESTIONS, *_DIALOGUE} or len(tasks) < len(value):
        yield _of_row(suite, file.name, value)
        return
    for task, texts in tasks.items():
        for number, text in enumerate(texts, start=1):
            place = f"{file.name}: {task} {number}"
            yield Item(suite.name, place, (text,), persona=file.stem)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _of_row(suite: Suite, place: str, row: dict[str, Any]) -> Item:
    persona = next((row[key] for key in _PERSONA if isinstance(row.get(key), str)), "")
    turns = _turns(row) if set(row) & set(_DIALOGUE) else []
    questions = [text for key in _QUESTIONS for text in _texts(row.get(key))]
    questions += [turn.text or "" for turn in turns if turn.role is Role.user]
    answers = [text for key in _ANSWERS for text in _texts(row.get(key))]
    answers += [turn.text or "" for turn in turns if turn.role is Role.assistant]
    if not any(text.strip() for text in (persona, *questions, *answers)):
        raise SourceError(
            f"{place} of the evaluation suite {suite.name} has neither a persona ({_PERSONA[0]}, "
            f"...) nor questions ({', '.join(_QUESTIONS[:4])}, messages, ...) among its keys "
            f"{sorted(map(str, row))[:10]}; rename them"
        )
    name = next((str(row[key]) for key in _NAMED if row.get(key) is not None), "")
    where = f"{place} ({name})" if name else place
    return Item(suite.name, where, tuple(questions), tuple(answers), persona)


def _texts(value: Any) -> list[str]:
    """Return every string in a value, however lists and objects are nested around them."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [text for inner in value for text in _texts(inner)] if isinstance(value, list) else []


def _turns(row: dict[str, Any]) -> list[Turn]:
    try:
        return read_turns(row)
    except LayoutError:
        return []  # what it holds under other keys counts
