"""Scores of texts: each text once, however many rows have it, and never again after a kill.

A window of rows is looked at, its texts without a score are sorted by length, so that a batch pads
little, and what a batch scored is logged at once under the hash of the text.
"""

import hashlib
import math
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from opencharacter.config import AxisConfig, ModelConfig, Spoken
from opencharacter.errors import ConfigError, ModelError
from opencharacter.ids import digest
from opencharacter.llm.opening import model_name
from opencharacter.records import Message, Role
from opencharacter.store.completions import CompletionLog

_WINDOW_TEXTS = 4096
_BATCH_TEXTS = 64
_BATCH_CHARS = 64 * 1024  # of a batch as if all its texts were as long as the longest


class TextScore(NamedTuple):
    """What a scorer says of one text."""

    score: float | None
    """None = it gave none, or none that is a number."""
    is_cut: bool = False
    """The text was longer than what the model reads."""


class RowScores(NamedTuple):
    """A dialogue and what was said of its texts, in order."""

    response_id: str
    texts: list[TextScore]


Scorer = Callable[[Sequence[str]], list[TextScore]]


def scorer_name(name: str, axis: AxisConfig) -> str:
    """Return what the scores of an axis hang on: `model@revision`, or the function and its code.

    Raises:
        ModelError: there is no such folder.
        ConfigError: there is no such function.
    """
    if axis.function:
        _, file = _find_function(name, axis.function)
        code = hashlib.sha256(file.read_bytes() if file else b"").hexdigest()
        return f"{axis.function}@{code[:12]}"
    folder = Path(axis.model).expanduser()
    if not folder.is_dir() and (
        axis.model.startswith(("/", ".", "~")) or axis.model.count("/") > 1
    ):
        raise ModelError(f"there is no folder {folder}; check mix.axes.{name}.model")
    model = model_name(ModelConfig(model=axis.model, revision=axis.revision))
    return " ".join(filter(None, [model, axis.label]))


def score_log_name(scorer: str, axis: AxisConfig) -> str:
    """Return the name of the folder in which scores are logged: another one where they differ."""
    return digest(scorer, axis.label, axis.activation, axis.max_length)[:16]


def open_scorer(name: str, axis: AxisConfig) -> Scorer:
    """Return what scores texts; a model is loaded now.

    Args:
        name: Of the axis, for errors.
        axis: Names the model or the function.

    Raises:
        ModelError: the model cannot be loaded, or which of its labels is meant is not said.
        ConfigError: there is no such function.
    """
    if axis.function:
        function, _ = _find_function(name, axis.function)
        return lambda texts: _call(f"mix.axes.{name}.function={axis.function}", function, texts)
    # Late: torch and transformers take ten seconds, and a mixture without a classifier needs none.
    opened: Scorer = import_module("opencharacter.mix.classifier").Classifier(name, axis)
    return opened


def score_rows(
    rows: Iterable[tuple[str, Sequence[Message]]],
    axis: AxisConfig,
    *,
    scorer: Callable[[], Scorer],
    log: CompletionLog,
    after_batch: Callable[[int], None],
) -> Iterator[RowScores]:
    """Yield the scores of the texts of each dialogue, in order; memory holds a window.

    Args:
        rows: Ids and dialogues.
        axis: Which of their texts.
        scorer: Called once there is a text without a score in the log.
        log: Of scores by text.
        after_batch: Called with the number of texts of each batch, once they are in the log.
    """
    opened: Scorer | None = None
    for window in _windows((id_, texts_of(messages, axis.text)) for id_, messages in rows):
        texts = {_key(text): text for _, said in window for text in said}
        known = {key: found for key in texts if (found := _logged(log, key))}
        missing = {key: text for key, text in texts.items() if key not in known}
        for keys in _batches(missing):
            opened = opened or scorer()
            scores = opened([missing[key] for key in keys])
            for key, score in zip(keys, scores, strict=True):
                log.append(key, score._asdict())
                known[key] = score
            after_batch(len(keys))
        for response_id, said in window:
            yield RowScores(response_id, [known[_key(text)] for text in said])


def texts_of(messages: Sequence[Message], spoken: Spoken) -> list[str]:
    """Return the texts of a dialogue that are scored."""
    if spoken is Spoken.dialogue:
        turns = (f"{message.role.capitalize()}: {message.content}" for message in messages)
        return ["\n".join(turns)]
    role = Role(spoken.value)
    return [message.content for message in messages if message.role is role]


def _windows(
    rows: Iterable[tuple[str, list[str]]],
) -> Iterator[list[tuple[str, list[str]]]]:
    window: list[tuple[str, list[str]]] = []
    texts = 0
    for row in rows:
        window.append(row)
        texts += len(row[1])
        if texts >= _WINDOW_TEXTS:
            yield window
            window, texts = [], 0
    if window:
        yield window


def _batches(texts: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the keys of texts of about one length, the longest first: memory runs out at once."""
    batch: list[str] = []
    longest = 0
    for key in sorted(texts, key=lambda key: (-len(texts[key]), key)):
        longest = longest if batch else len(texts[key])
        batch.append(key)
        if len(batch) == _BATCH_TEXTS or (len(batch) + 1) * longest > _BATCH_CHARS:
            yield batch
            batch = []
    if batch:
        yield batch


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _logged(log: CompletionLog, key: str) -> TextScore | None:
    found = log.get(key)
    return None if found is None else TextScore(found["score"], found["is_cut"])


Function = Callable[[list[str]], Sequence[float | None]]


def _find_function(name: str, path: str) -> tuple[Function, Path | None]:
    """Return a function, and the file that it stands in."""
    module_name, _, function_name = path.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigError(
            f"there is no module {error.name} for mix.axes.{name}.function={path}; start from the "
            "folder that holds it, or put that folder on PYTHONPATH"
        ) from error
    except Exception as error:  # the user's own code, as below
        raise ConfigError(
            f"mix.axes.{name}.function={path}: importing {module_name} raised "
            f"{type(error).__name__}: {error}{_place(error)}; mend that module"
        ) from error
    function: Function | None = vars(module).get(function_name)
    if not callable(function):
        raise ConfigError(
            f"{module_name} has no function {function_name}; check mix.axes.{name}.function"
        )
    file: str | None = vars(module).get("__file__")
    return function, Path(file) if file else None


def _call(setting: str, function: Function, texts: Sequence[str]) -> list[TextScore]:
    try:
        scores = list(function(list(texts)))
    except Exception as error:  # the user's own code: whatever it raises is theirs to mend
        raise ConfigError(
            f"{setting} raised {type(error).__name__}: {error}{_place(error)}; it must take a list "
            "of texts and return a number for each, or None"
        ) from error
    if len(scores) != len(texts):
        raise ConfigError(
            f"{setting} returned {len(scores)} scores for {len(texts)} texts; it must return one "
            "for each, in their order"
        )
    return [TextScore(_number(setting, score)) for score in scores]


def _place(error: Exception) -> str:
    """Return where the innermost code that is not ours raised it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    return f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""


def _number(setting: str, score: float | None) -> float | None:
    try:
        return usable(score)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{setting} returned {score!r:.60} for a text; it must return a number, or None for "
            "a text without one"
        ) from error


def usable(score: float | None) -> float | None:
    """Return a score as a plain number, None if it is none."""
    number = math.nan if score is None else float(score)
    return number if math.isfinite(number) else None
