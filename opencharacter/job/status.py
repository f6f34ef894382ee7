"""How a run is getting on, over all processes that work on it: read from its folder alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opencharacter.errors import StoreError
from opencharacter.progress import closing_table
from opencharacter.store.claims import Claims, Holder
from opencharacter.store.reports import Report, read_reports, read_total
from opencharacter.store.rows import part_files, read_columns, read_footer
from opencharacter.store.stage import StageFolder

_HEADERS = ("stage", "state", "done", "of", "records/s", "tokens/s", "cache", "left", "processes")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """One stage of a run, as it is now."""

    stage: str
    state: str
    """`finished`, `running`, `stopped` (work is left and nobody is at it), or `damaged`."""
    done: int | None
    """Rows in whole parts, and those that living processes have in hand; None = not known."""
    total: int | None
    """None = not known, as of a stream."""
    reports: list[Report]
    """Of living processes."""
    rejected: dict[str, int]
    """By reason, in whole parts."""
    dead: dict[str, Holder]
    """Claims whose process is gone; they are taken over by the next process that looks."""
    damage: str = ""
    """Which file cannot be read, and what to do."""

    @property
    def records_per_s(self) -> float:
        """Of all processes together."""
        return sum(report.records_per_s for report in self.reports)

    @property
    def output_tokens_per_s(self) -> float:
        """Of all processes together."""
        return sum(report.output_tokens_per_s for report in self.reports)

    @property
    def cache_hits(self) -> float | None:
        """Share of prompt tokens that prefix caches held; None before the first prompt."""
        prompts = sum(report.prompt_tokens for report in self.reports)
        return sum(r.cached_tokens for r in self.reports) / prompts if prompts else None

    @property
    def seconds_left(self) -> float | None:
        """At the present pace; None if nothing moves."""
        if self.total is None or self.done is None or self.records_per_s <= 0:
            return None
        return max(0, self.total - self.done) / self.records_per_s

    @property
    def metrics(self) -> dict[str, float]:
        """All that the table and the lines below it show, as W&B is told it.

        What the table leaves empty is missing here; rates are per second, `seconds_left` at the
        present pace.
        """
        known: dict[str, float | None] = {
            "done": self.done,
            "total": self.total,
            "records_per_s": self.records_per_s if self.reports else None,
            "output_tokens_per_s": self.output_tokens_per_s if self.reports else None,
            "prefix_cache_hit": self.cache_hits,
            "seconds_left": self.seconds_left,
            "processes": len(self.reports),
            "dead_claims": len(self.dead),
            "rejected": sum(self.rejected.values()),
        }
        known |= {f"rejected/{reason}": count for reason, count in self.rejected.items()}
        return {name: float(value) for name, value in known.items() if value is not None}


def stage_status(folder: StageFolder, *, claim_timeout_s: float) -> StageStatus | None:
    """Return how a stage is getting on, None if it was never started.

    Args:
        folder: The stage's.
        claim_timeout_s: A claim without a heartbeat for so long is dead.
    """
    try:
        return _status(folder, claim_timeout_s)
    except StoreError as error:
        return StageStatus(
            stage=folder.stage, state="damaged", done=None, total=None, reports=[], rejected={},
            dead={}, damage=str(error),
        )  # fmt: skip


def _status(folder: StageFolder, claim_timeout_s: float) -> StageStatus | None:
    if folder.started() is None:
        return None
    manifest: dict[str, Any] | None = folder.manifest()
    parts = part_files(folder.data)
    rejected = [folder.rejected / path.name for path in parts]
    whole = sum(read_footer(path).rows for path in (*parts, *rejected))
    reports = [report for report in read_reports(folder.path) if report.is_alive]
    claims = Claims(folder.path / "claims", timeout_s=claim_timeout_s)
    if manifest is not None:
        state, total = "finished", manifest["counts"]["in"] - manifest["counts"]["not_drawn"]
    else:
        is_held = bool(reports or claims.others())
        state = "running" if is_held else "stopped"
        total = read_total(folder.path)
    in_hand = sum(report.unsealed for report in reports)
    return StageStatus(
        stage=folder.stage,
        state=state,
        done=whole + (in_hand if manifest is None else 0),
        total=total,
        reports=[] if manifest is not None else reports,
        rejected=dict(Counter(reason for (reason,) in read_columns(rejected, ["reason"]))),
        dead={} if manifest is not None else claims.dead(),
    )


def show_status(stages: Iterable[StageStatus]) -> str:
    """Return a table of the stages, then rejections by reason and dead claims."""
    found = list(stages)
    lines = [closing_table([_row(status) for status in found], _HEADERS)]
    for status in found:
        if status.rejected:
            reasons = sorted(status.rejected.items(), key=lambda item: -item[1])
            shown = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
            lines.append(f"{status.stage}: rejected {sum(status.rejected.values()):,} ({shown})")
        for report in status.reports:
            where = f"job {report.job}, " if report.job else ""
            lines.append(
                f"{status.stage}: {where}process {report.pid} on {report.host}: "
                f"{report.records_per_s:,.1f} records/s, {report.output_tokens_per_s:,.0f} tokens/s"
            )
        for name, holder in status.dead.items():
            lines.append(f"{status.stage}: {name} was held by {holder}, which is gone")
    return "\n".join(lines)


def _row(status: StageStatus) -> list[str]:
    cache, left = status.cache_hits, status.seconds_left
    return [
        status.stage,
        status.state,
        "" if status.done is None else f"{status.done:,}",
        "" if status.total is None else f"{status.total:,}",
        f"{status.records_per_s:,.1f}" if status.reports else "",
        f"{status.output_tokens_per_s:,.0f}" if status.reports else "",
        "" if cache is None else f"{cache:.0%}",
        "" if left is None else _duration(left),
        f"{len(status.reports)}" if status.reports else "",
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
