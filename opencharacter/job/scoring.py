"""Scoring the responses that could enter a mixture: progress, claims, stopping, and the report."""

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import chain
from pathlib import Path

from opencharacter.config import AxisConfig
from opencharacter.errors import StoppedError, StoreError
from opencharacter.job.stage import OpenStage
from opencharacter.mix.axis import Axis, AxisScore, distribution
from opencharacter.mix.replay import Screen
from opencharacter.mix.scoring import Scorer, open_scorer, score_log_name, score_rows
from opencharacter.mix.screening import Refusal
from opencharacter.progress import Display, Progress, closing_table
from opencharacter.records import Instruction, Message, Response
from opencharacter.sources.rows import Tally
from opencharacter.store.claims import Part
from opencharacter.store.completions import CompletionLog
from opencharacter.store.files import write_json
from opencharacter.store.rows import read_records, write_records
from opencharacter.store.stage import StageFolder

_SHOWN = ("0", "5", "25", "50", "75", "95", "100")
_BAR = 40  # characters


def score_axes(
    stage: OpenStage, scorers: Mapping[str, str], responses: Sequence[Path], wanted: Container[str]
) -> list[Axis]:
    """Score responses on every axis of the stage's configuration.

    Texts that were scored before, by whatever process, are not scored again; the model is loaded
    when the first text needs it.

    Args:
        stage: Ready to start.
        scorers: Names of the scorers, by axis.
        responses: Data folders of the response stages.
        wanted: Ids of the responses to score.

    Raises:
        ModelError: a model cannot be loaded.
        StoreError: another process is scoring the same texts, or the disk is full.
        StoppedError: a signal came; what was scored is kept.
    """
    scored = []
    for name, config in stage.config.mix.axes.items():
        axis = Axis(name=name, config=config, scorer=scorers[name])
        records = chain.from_iterable(
            read_records(each, Response, keep=wanted.__contains__) for each in responses
        )
        rows = ((response.id, response.messages) for response in records)
        scored.append(_score(stage, axis, rows, partial(_open, name, config)))
    return scored


def replay_screen(stage: OpenStage, axes: Sequence[Axis]) -> Screen:
    """Return what holds replayed dialogues against the thresholds of axes.

    Args:
        stage: Ready to start.
        axes: By which the responses were scored.
    """
    meant = {
        axis.name: cache(partial(_open, axis.name, axis.config))
        for axis in axes
        if axis.config.threshold is not None and axis.config.replayed
    }

    def screen(dialogues: Sequence[Instruction]) -> dict[str, Refusal]:
        refused: dict[str, Refusal] = {}
        for axis in axes:
            if axis.name in meant:
                rows = [(row.id, row.dialogue) for row in dialogues if row.id not in refused]
                found = Axis(name=axis.name, config=axis.config, scorer=axis.scorer)
                refused |= _score(stage, found, rows, meant[axis.name]).refusals()
        return refused

    return screen


def write_axes(folder: StageFolder, axes: Sequence[Axis], tally: Tally) -> None:
    """Write scores/<axis>.parquet and .json, and note in the tally what was cut off or unscored.

    What an earlier start with other axes left there is removed.
    """
    names = {axis.name for axis in axes}
    for path in (folder.path / "scores").glob("*.*"):
        if path.stem not in names:
            path.unlink()
    for axis in axes:
        rows = axis.rows()
        write_records(folder.path / "scores" / f"{axis.name}.parquet", AxisScore, rows)
        write_json(folder.path / "scores" / f"{axis.name}.json", _report(axis))
        for what, count in (("texts cut off", sum(axis.cuts)), ("no score", _n_unscored(axis))):
            if count:
                tally.note(f"axis {axis.name}: {what}", count)


def print_axes(folder: StageFolder, axes: Sequence[Axis]) -> None:
    """Print the distribution of each axis, and what it left out."""
    for axis in axes:
        found = distribution(axis.known)
        print(f"\n{axis.name}, by {axis.scorer}, of {len(axis.ids):,} responses:")
        if found is not None:
            shown = [f"{found.quantiles[q]:.4g}" for q in _SHOWN]
            print(closing_table([["score", *shown]], ("percentile", *_SHOWN)))
            most = max(one.n for one in found.histogram)
            for one in found.histogram:
                bar = "#" * -(-_BAR * one.n // most)
                print(f"  {one.low:>9.4g} {one.n:>9,} {bar}".rstrip())
        print(f"{_outcome(axis)}: {folder.path / 'scores' / axis.name}.parquet, .json")


def _score(
    stage: OpenStage,
    axis: Axis,
    rows: Iterable[tuple[str, Sequence[Message]]],
    scorer: Callable[[], Scorer],
) -> Axis:
    """Add the scores of dialogues to an axis, and return it."""
    name = score_log_name(axis.scorer, axis.config)
    folder = stage.folder.path / "scored" / name
    with (
        stage.stopping.patience(),
        _held(stage, f"scores-{name}", folder),
        CompletionLog(folder, Part(0, 1), {}) as log,
        Display(f"{stage.folder.stage}: axis {axis.name}", unit="texts") as display,
    ):
        after_batch = _counter(stage, display)
        scored = score_rows(
            rows,
            axis.config,
            scorer=scorer,
            log=log,
            after_batch=after_batch,
        )
        for row in scored:
            axis.add(row)
    return axis


def _open(name: str, config: AxisConfig) -> Scorer:
    what = config.function or config.model
    where = "" if config.function or Path(config.model).expanduser().is_dir() else (
        " (from the hub, unless it is in the cache)"
    )  # fmt: skip
    print(f"opening {what}{where} ...", file=sys.stderr)
    return open_scorer(name, config)


def _counter(stage: OpenStage, display: Display) -> Callable[[int], None]:
    """Return what is called after each batch: it shows progress, and stops when asked."""
    texts = 0

    def count(n: int) -> None:
        nonlocal texts
        if not texts:
            display.update(Progress(0, 0, None, 0, 0, 0, 0))
        texts += n
        display.update(Progress(texts, 0, None, 0, 0, 0, 0))
        if stage.stopping.reason:
            raise StoppedError(
                f"{stage.folder.stage}: {stage.stopping.reason}; {texts:,} texts were scored and "
                "are kept; the same command goes on"
            )

    return count


@contextmanager
def _held(stage: OpenStage, claim: str, folder: Path) -> Iterator[None]:
    """Keep other processes from scoring the same texts.

    Raises:
        StoreError: one does.
    """
    holder = stage.claims.take(claim)
    if holder is not None:
        raise StoreError(f"{folder} is being filled by {holder}; wait for it, or stop it")
    try:
        yield
    finally:
        stage.claims.release(claim)


def _n_unscored(axis: Axis) -> int:
    return sum(score is None for score in axis.scores)


def _outcome(axis: Axis) -> str:
    cut = axis.cut()
    if cut is None:
        return "No cut is set, so nothing is left out"
    n = sum(row.is_dropped for row in axis.rows())
    side = "above" if axis.config.direction.drops_high else "below"
    return f"{n:,} of {len(axis.ids):,} responses are {side} {cut:.6g} and left out"


def _report(axis: Axis) -> dict[str, object]:
    found = distribution(axis.known)
    return {
        "axis": axis.name,
        "scorer": axis.scorer,
        "text": str(axis.config.text),
        "direction": str(axis.config.direction),
        "percentile": axis.config.percentile,
        "cut": axis.cut(),
        "responses": len(axis.ids),
        "dropped": sum(row.is_dropped for row in axis.rows()),
        "unscored": _n_unscored(axis),
        "texts_cut_off": sum(axis.cuts),
        "mean": found and found.mean,
        "quantiles": found and found.quantiles,
        "histogram": found and [one._asdict() for one in found.histogram],
    }
