"""What the mix stage knows of the rows that may not enter: tables, and the same as files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from opencharacter.config import MixConfig
from opencharacter.job.scoring import print_axes, score_axes, write_axes
from opencharacter.job.stage import OpenStage
from opencharacter.mix.alike import alike_rows
from opencharacter.mix.axis import Axis
from opencharacter.mix.draw import may_enter
from opencharacter.mix.overlap import OverlapReport
from opencharacter.mix.rows import candidates
from opencharacter.mix.screening import OverlapScreen, Refusal
from opencharacter.mix.suites import Suite
from opencharacter.progress import closing_table
from opencharacter.records import Character
from opencharacter.sources.rows import Tally
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder

_HEADERS = ("suite", "items", "items hit", "rows hit", "by words", "by persona")
_SHOWN = 2  # examples of a suite on the terminal; the file has more


class Screened(NamedTuple):
    """The responses that may not enter, and how that was found out."""

    overlap: OverlapScreen
    axes: list[Axis]
    refused: dict[str, Refusal]
    """By the response's id; the first reason: overlap, then axes in their order, then being like
    another response that those let through."""


def screen_responses(
    stage: OpenStage,
    responses: Sequence[Path],
    characters: Mapping[str, Character],
    *,
    suites: Sequence[Suite],
    scorers: Mapping[str, str],
    seed: int,
) -> Screened:
    """Find the responses that may not enter; a finished stage is not screened again.

    Args:
        stage: Ready to start.
        responses: Data folders of the response stages.
        characters: By id.
        suites: From `find_suites`.
        scorers: Names of what scores the responses, by axis.
        seed: Of the mixture.

    Raises:
        StoreError: the stage was started otherwise, or another process is scoring.
        SourceError: a suite cannot be read.
        ModelError: a classifier cannot be loaded.
        StoppedError: a signal came while responses were scored.
    """
    settings = stage.config.mix
    is_wanted = _has_work(stage)
    overlap = OverlapScreen(suites if is_wanted else (), settings)
    if not is_wanted or not (suites or scorers or settings.near_duplicates):
        return Screened(overlap, [], {})
    enter = {c.response_id for c in candidates(responses, characters) if may_enter(c, settings)}
    refused = overlap.refusals(responses, characters, enter) if suites else {}
    enter -= refused.keys()
    axes = score_axes(stage, scorers, responses, enter)
    for axis in axes:
        refused = axis.refusals() | refused
    if settings.near_duplicates is not None:
        enter -= refused.keys()
        refused |= alike_rows(responses, enter, threshold=settings.near_duplicates, seed=seed)
    return Screened(overlap, axes, refused)


def write_screened(folder: StageFolder, found: Screened, config: MixConfig, tally: Tally) -> None:
    """Write overlap.json and scores/; notes go into the tally, and that there was no suite."""
    if found.overlap.report.suites:
        _write_overlap(folder, found.overlap.report, config)
    else:
        (folder.path / "overlap.json").unlink(missing_ok=True)  # of an earlier start
        tally.unmet.append(
            f"mix.suites=[{','.join(config.suites)}] has no evaluation suite to hold the rows "
            "against: nobody looked for contamination"
        )
    write_axes(folder, found.axes, tally)


def print_screened(folder: StageFolder, found: Screened, config: MixConfig) -> None:
    """Print what overlaps, and what the scores are like."""
    if found.overlap.report.suites:
        _print_overlap(folder, found.overlap.report, config)
    print_axes(folder, found.axes)


def _has_work(stage: OpenStage) -> bool:
    """Say whether there is work for a stage, before any that `stream` does not see.

    Raises:
        StoreError: the stage was started otherwise.
    """
    if stage.config.force or stage.folder.started() is None:
        return True
    stage.start()
    return not stage.is_finished


def followed(rows: Iterable[Any], last: Callable[[], None]) -> Iterator[Any]:
    """Yield rows, then call `last`: what it writes is there before the stage is closed."""
    yield from rows
    last()


def _write_overlap(folder: StageFolder, report: OverlapReport, config: MixConfig) -> None:
    write_json(
        folder.path / "overlap.json",
        {
            "rows": report.rows,
            "rows_hit": report.rows_hit,
            "contamination": str(config.contamination),
            "overlap_words": config.overlap_words,
            "persona_overlap": config.persona_overlap,
            "suites": {name: _plain(suite) for name, suite in report.suites.items()},
        },
    )


def _plain(suite: Any) -> Mapping[str, Any]:
    return {
        "items": suite.items,
        "items_hit": len(suite.items_hit),
        "rows_hit": suite.rows_hit,
        "rows_by_words": suite.rows_by_words,
        "rows_by_persona": suite.rows_by_persona,
        "examples": suite.examples,
    }


def _print_overlap(folder: StageFolder, report: OverlapReport, config: MixConfig) -> None:
    """Print a line for each suite, and some of the overlaps."""
    print(closing_table(_rows(report), _HEADERS))
    for name, suite in report.suites.items():
        for one in suite.examples[:_SHOWN]:
            print(f"{name}: {one['row']} has the {one['by']} of {one['item']}: {one['shared']!r}")
    print(
        f"{report.rows_hit:,} of {report.rows:,} rows that could enter overlap with a suite "
        f"(mix.contamination={config.contamination}): {folder.path / 'overlap.json'}"
    )


def _rows(report: OverlapReport) -> Sequence[Sequence[str]]:
    counts = {
        name: (s.items, len(s.items_hit), s.rows_hit, s.rows_by_words, s.rows_by_persona)
        for name, s in report.suites.items()
    }
    return [[name, *(f"{count:,}" for count in found)] for name, found in counts.items()]
