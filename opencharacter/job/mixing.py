"""What the mix stage says of the rows that may not enter: tables, and the same as JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from opencharacter.config import MixConfig
from opencharacter.job.stage import OpenStage
from opencharacter.mix.overlap import OverlapReport
from opencharacter.progress import closing_table
from opencharacter.store.files import write_json
from opencharacter.store.stage import StageFolder

_HEADERS = ("suite", "items", "items hit", "rows hit", "by words", "by persona")
_SHOWN = 2  # examples of a suite on the terminal; the file has more


def has_work(stage: OpenStage) -> bool:
    """Say whether there is work for a stage: to be asked before work that `stream` does not see.

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


def write_overlap(folder: StageFolder, report: OverlapReport, config: MixConfig) -> None:
    """Write overlap.json; nothing where there are no suites."""
    if not report.suites:
        return
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


def print_overlap(folder: StageFolder, report: OverlapReport, config: MixConfig) -> None:
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
