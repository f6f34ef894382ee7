"""What a stage shows while it works: on the terminal, to W&B, and in the run's folder."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opencharacter.job.replicas import Replicas
from opencharacter.progress import Display, Progress
from opencharacter.sources.rows import Reading, Watch
from opencharacter.store.reports import EVERY_S, Reporter, read_reports
from opencharacter.tracking import Tracker

Show = Callable[[Progress], None]

_QUIET_S = 2.0


def shower(
    display: Display,
    tracker: Tracker,
    replicas: Replicas,
    reporter: Reporter | None = None,
    *,
    rejected_before: int = 0,
) -> Show:
    """Return what shows progress on the terminal, and every few seconds to everybody else.

    Args:
        display: The terminal's.
        tracker: W&B's; with a reporter it is told of all processes together.
        replicas: Of this process; those that died are told.
        reporter: This process's, where other processes may work on the stage too.
        rejected_before: Rejections in parts that were whole before.
    """
    started = last = time.monotonic()
    done_before: int | None = None

    def show(progress: Progress) -> None:
        nonlocal last, done_before
        done_before = progress.done if done_before is None else done_before
        total = progress._replace(rejected=rejected_before + progress.rejected)
        display.update(total)
        if reporter:
            reporter.update(
                done=total.done - done_before,
                unsealed=total.unsealed,
                output_tokens=total.output_tokens,
                prompt_tokens=total.prompt_tokens,
                cached_tokens=total.cached_tokens,
            )
        now = time.monotonic()
        if now - last >= EVERY_S:
            last = now
            replicas.report_dead()
            everybody = _of_all(reporter) if reporter and tracker.run is not None else {}
            tracker.log(_metrics(total, now - started) | everybody, total.done)

    return show


@contextmanager
def reading(folder: Path) -> Iterator[Watch]:
    """Show how far the reading of a large source is, on the terminal and in the stage's folder."""
    with (
        Display(f"{folder.name}: reading", unit="rows", quiet_s=_QUIET_S) as display,
        closing(Reporter(folder, total=None)) as reporter,
    ):

        def watch(now: Reading) -> None:
            read = Progress(now.rows, 0, None, 0, 0, 0, 0, is_reading=True)
            display.update(read._replace(n_bytes=now.n_bytes, of_bytes=now.of_bytes))
            reporter.update(
                done=now.rows,
                unsealed=now.rows,
                output_tokens=0,
                prompt_tokens=0,
                cached_tokens=0,
            )

        yield watch


def _metrics(progress: Progress, seconds: float) -> dict[str, float]:
    metrics = {"rejected": float(progress.rejected)}
    if progress.calls:
        metrics |= {
            "output_tokens": float(progress.output_tokens),
            "output_tokens_per_s": progress.output_tokens / seconds,
            "prefix_cache_hit": progress.cached_tokens / max(1, progress.prompt_tokens),
        }
    return metrics


def _of_all(reporter: Reporter) -> dict[str, float]:
    """Return what `stage=status` shows: the sums over the processes that work on the stage."""
    reports = [report for report in read_reports(reporter.folder) if report.is_alive]
    prompts = sum(report.prompt_tokens for report in reports)
    return {
        "all/processes": float(len(reports)),
        "all/records_per_s": sum(report.records_per_s for report in reports),
        "all/output_tokens_per_s": sum(report.output_tokens_per_s for report in reports),
        "all/prefix_cache_hit": sum(r.cached_tokens for r in reports) / max(1, prompts),
    }
