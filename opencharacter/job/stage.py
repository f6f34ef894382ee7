"""A started stage: it does its work once, in one process or many, and closes its books."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opencharacter import __version__
from opencharacter.config import Config, Tracking
from opencharacter.errors import StoreError
from opencharacter.llm.requests import Model
from opencharacter.llm.work import PartWorker, Plan, parts_for, refuse_held_part
from opencharacter.progress import Display, Progress
from opencharacter.records import Rejection
from opencharacter.sources.rows import Tally
from opencharacter.store.claims import Claims, Part
from opencharacter.store.manifest import Counted, check_all_done, close_stage
from opencharacter.store.rows import PartWriter
from opencharacter.store.stage import StageFolder
from opencharacter.tracking import Tracker, open_tracker

_LOG_EVERY_S = 5.0
_POLL_S = 1.0
_TRACKING = "tracking"  # claim of the one process that reports a stage to W&B


@dataclass(kw_only=True)
class OpenStage:
    """A started stage; `Job.stage` makes these."""

    folder: StageFolder
    config: Config
    command: str
    fingerprint: str
    claims: Claims

    @property
    def is_finished(self) -> bool:
        """Whether the manifest is there: everything is made and accounted for."""
        return self.folder.manifest() is not None

    @property
    def is_inside_composite(self) -> bool:
        """Whether other stages of the same command follow, and need this one whole."""
        return self.config.stage != self.folder.stage

    def stream(
        self, record_type: type, rows: Iterable[Any], tally: Tally, *, what: str, unit: str
    ) -> None:
        """Write a stream of records and rejections in one pass; nothing if that was done before.

        Args:
            record_type: Of the records.
            rows: Records and `Rejection`s.
            tally: Counts what `rows` reads, while it is read.
            what: One sentence for the dataset card.
            unit: What a row is called while it is counted.

        Raises:
            StoreError: another process is at it, or the disk is full.
            AccountingError: rows in are not rows out plus rejected plus not drawn.
        """
        part = Part(0, 1)
        if self._say_finished() or not self._claim(part):
            return
        with Display(self.folder.stage, unit=unit) as display, self._tracker() as tracker:
            self._write_stream(part, record_type, rows, display)
            counted = Counted(
                rows_in=tally.rows, not_drawn=tally.not_drawn, notes=dict(tally.notes)
            )
            self._close(counted, tracker, what=what, max_rejected=1.0)
        self.claims.release(part.name)

    def work(
        self,
        plan: Plan[Any],
        open_model: Callable[[], Model],
        *,
        what: str,
        max_rejected: float,
        notes: Mapping[str, int],
    ) -> None:
        """Do all parts that are free, with a model; close the stage if nothing is left.

        Args:
            plan: The stage's work.
            open_model: Called when there is work: a finished stage needs no engine.
            what: One sentence for the dataset card.
            max_rejected: Largest share of rejected rows.
            notes: Counts worth telling that are no rejections.

        Raises:
            StoreError: the one part asked for is held by another process, or the disk is full.
            AccountingError: the books do not close, or too much was rejected.
        """
        if self._say_finished():
            return
        keys = list(plan.keys())
        with Display(self.folder.stage, unit="records") as display, self._tracker() as tracker:
            worker = PartWorker(
                self.folder,
                plan,
                claims=self.claims,
                parts=parts_for(len(keys), self.config.parts),
                show=_shower(display, tracker),
            )
            if not keys:
                worker.seal_without_work()
            elif self.config.part is not None:
                self._do_one_part(worker, self.config.part, open_model)
            else:
                self._do_all_parts(worker, open_model)
            left = worker.left()
            if left and set(keys) - self.folder.done_keys(plan.key_columns):
                self._say(
                    f"{len(left)} of {worker.parts} parts are left (parts= goes on with them)"
                )
                return
            done = self.folder.done_keys(plan.key_columns)
            counted = Counted(rows_in=check_all_done(self.folder, keys, done), notes=dict(notes))
            self._close(counted, tracker, what=what, max_rejected=max_rejected)

    def _do_one_part(
        self, worker: PartWorker[Any], number: int, open_model: Callable[[], Model]
    ) -> None:
        if number in worker.left():
            refuse_held_part(self.claims, Part(number, worker.parts), self.folder)
            worker.run(open_model(), [number])

    def _do_all_parts(self, worker: PartWorker[Any], open_model: Callable[[], Model]) -> None:
        """Do what is free; in a composite, wait for parts that others hold, as the next stage must.

        A part whose holder dies meanwhile becomes free and is done here.
        """
        is_told = False
        while worker.left():
            worker.run(open_model(), worker.left())
            held = [h for name, h in self.claims.others().items() if name.startswith("part-")]
            if not worker.left() or not self.is_inside_composite:
                return
            if held and not is_told:
                self._say(f"waiting for {len(held)} parts held by {held[0]}")
                is_told = True
            time.sleep(_POLL_S)

    def _claim(self, part: Part) -> bool:
        """Claim the one part of a streaming stage; False when another process finished it.

        In a composite this waits for the other process: the next stage needs the records.
        """
        holder = self.claims.take(part.name)
        if holder is not None and not self.is_inside_composite:
            raise StoreError(
                f"{self.folder.path} is being written by {holder}; wait for it, or stop it"
            )
        if holder is not None:
            self._say(f"waiting for {holder}")
        while holder is not None:
            time.sleep(_POLL_S)
            holder = self.claims.take(part.name)
        if self.is_finished:
            self.claims.release(part.name)
            return False
        return True

    def _write_stream(
        self, part: Part, record_type: type, rows: Iterable[Any], display: Display
    ) -> None:
        records = PartWriter(self.folder.data_file(part), record_type)
        rejections = PartWriter(self.folder.rejected_file(part), Rejection)
        display.update(Progress(0, 0, None, 0, 0, 0, 0))
        try:
            for row in rows:
                (rejections if isinstance(row, Rejection) else records).write(row)
                written = records.rows + rejections.rows
                display.update(Progress(written, rejections.rows, None, 0, 0, 0, 0))
            rejections.close()
            records.close()
        except BaseException:
            records.discard()
            rejections.discard()
            raise

    def _close(self, counted: Counted, tracker: Tracker, *, what: str, max_rejected: float) -> None:
        close_stage(
            self.folder,
            counted,
            fingerprint=self.fingerprint,
            about={"what": what, "command": self.command, "opencharacter": __version__},
            max_rejected=max_rejected,
        )
        inputs = list((self.folder.started() or {})["inputs"])
        if tracker.run is not None:
            tracker.finish(self.folder.manifest_file, inputs)
        elif self.config.tracking is not Tracking.none:  # whoever tracked has ended meanwhile
            with self._tracker() as late:
                late.finish(self.folder.manifest_file, inputs)

    @contextmanager
    def _tracker(self) -> Iterator[Tracker]:
        """Track in one process at a time: whoever holds the claim; the others track nothing."""
        is_mine = self.config.tracking is not Tracking.none and not self.claims.take(_TRACKING)
        tracker = open_tracker(
            self.config.tracking if is_mine else Tracking.none,
            project=self.config.project,
            run=self.config.run,
            stage=self.folder.stage,
            run_dir=self.folder.run_dir,
            settings=(self.folder.started() or {})["settings"],
        )
        try:
            yield tracker
        finally:
            tracker.close()
            if is_mine:
                self.claims.release(_TRACKING)

    def _say_finished(self) -> bool:
        if self.is_finished:
            self._say("already finished")
        return self.is_finished

    def _say(self, text: str) -> None:
        print(f"{self.folder.stage}: {text}", file=sys.stderr)


def _shower(display: Display, tracker: Tracker) -> Callable[[Progress], None]:
    """Return what shows progress on the terminal, and every few seconds to the tracker."""
    started = last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        display.update(progress)
        now = time.monotonic()
        if now - last >= _LOG_EVERY_S:
            last = now
            seconds = now - started
            metrics = {
                "done": float(progress.done),
                "rejected": float(progress.rejected),
                "output_tokens": float(progress.output_tokens),
                "output_tokens_per_s": progress.output_tokens / seconds,
                "prefix_cache_hit": progress.cached_tokens / max(1, progress.prompt_tokens),
            }
            tracker.log(metrics, progress.done)

    return show
