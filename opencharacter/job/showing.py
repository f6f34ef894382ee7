"""What a stage shows while it works: on the terminal, to W&B, and in the run's folder."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opencharacter.job.replicas import Replicas
from opencharacter.job.status import stage_status
from opencharacter.progress import Display, Progress
from opencharacter.sources.rows import Reading, Watch
from opencharacter.store.reports import EVERY_S, Reporter
from opencharacter.store.stage import StageFolder
from opencharacter.tracking import Tracker

Show = Callable[[Progress], None]
Everybody = Callable[[], dict[str, float]]

_QUIET_S = 2.0
_LOOKING = 0.02
"""Largest share of the time that goes into reading how the stage is getting on."""


def shower(
    display: Display,
    tracker: Tracker,
    replicas: Replicas,
    reporter: Reporter | None = None,
    *,
    rejected_before: int = 0,
    everybody: Everybody = dict,
) -> Show:
    """Return what shows progress on the terminal, and every few seconds to everybody else.

    Args:
        display: The terminal's.
        tracker: W&B's.
        replicas: Of this process; those that died are told.
        reporter: This process's, where other processes may work on the stage too.
        rejected_before: Rejections in parts that were whole before.
        everybody: What W&B is told of all processes together; see `of_all`.
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
            if tracker.run is not None:
                tracker.log(_metrics(total, now - started) | everybody(), total.done)

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


def of_all(folder: StageFolder, *, claim_timeout_s: float) -> Everybody:
    """Return what reads the metrics of `stage=status`, over all processes, under `all/`.

    Where reading takes long, as of thousands of parts on a network's disk, it is done less often,
    and between two times there is nothing.
    """
    next_look = 0.0

    def everybody() -> dict[str, float]:
        nonlocal next_look
        begun = time.monotonic()
        if begun < next_look:
            return {}
        status = stage_status(folder, claim_timeout_s=claim_timeout_s)
        ended = time.monotonic()
        next_look = ended + (ended - begun) / _LOOKING
        return {f"all/{name}": value for name, value in status.metrics.items()} if status else {}

    return everybody
