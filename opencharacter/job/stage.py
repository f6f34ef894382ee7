"""A started stage: it does its work once, in one process or many, and closes its books."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from opencharacter import __version__
from opencharacter.config import Config, ModelConfig, Tracking
from opencharacter.errors import BudgetError, StoppedError, StoreError
from opencharacter.job.accounts import n_rejected, planned_of, refuse_nothing_made, told_rejected
from opencharacter.job.failing import put_back_on_failure
from opencharacter.job.preview import preview
from opencharacter.job.replicas import Replicas, is_replica
from opencharacter.job.showing import Show, of_all, reading, shower
from opencharacter.llm.budget import Budget, cost_of
from opencharacter.llm.requests import Model
from opencharacter.llm.stopping import Stopping
from opencharacter.llm.work import PartWorker, Plan, parts_for
from opencharacter.progress import Display, Progress
from opencharacter.records import Rejection
from opencharacter.sources.rows import Tally
from opencharacter.store.aside import check_same, forget
from opencharacter.store.claims import Claims, Holder, Part
from opencharacter.store.manifest import Counted, check_all_done, close_stage
from opencharacter.store.reports import Reporter
from opencharacter.store.rows import PartWriter
from opencharacter.store.stage import StageFolder
from opencharacter.tracking import Tracker, open_tracker

_POLL_S = 1.0
_TRACKING = "tracking"  # claim of the one process that reports a stage to W&B


@dataclass(kw_only=True)
class OpenStage:
    """A stage that is ready to start; `Job.stage` makes these."""

    folder: StageFolder
    config: Config
    command: str
    fingerprint: str
    start: Callable[[], None]
    """Writes down what the stage is started with, or refuses; with `force=true` it forgets rows."""
    claims: Claims
    replicas: Replicas
    stopping: Stopping
    role: str
    """Section of the model that the stage asks, and pays for."""
    asked: ModelConfig
    """That model; of a jury one member."""
    is_shared: bool = False
    """Whether every process of the command comes to write it: one does, the others wait."""
    cheap: tuple[str, ...] = ()
    """How the names of settings and inputs begin that cost nothing when they change: the stage is
    made anew then, and that is told. Other changes need force=true."""
    tracker: Tracker | None = field(default=None, init=False)
    """Takes metrics while `stream` or `work` is at it."""
    goes_on: bool = field(default=False, init=False)
    """Whether what `stream` is given is made so that a stop loses nothing, as a training is."""

    @property
    def is_finished(self) -> bool:
        """Whether everything is made and accounted for."""
        return self.folder.manifest() is not None

    @property
    def is_inside_composite(self) -> bool:
        """Whether other stages of the same command follow, and need this one whole."""
        return self.config.stage != self.folder.stage

    def stream(
        self,
        record_type: type,
        rows: Iterable[Any],
        tally: Tally,
        *,
        what: str,
        unit: str,
        max_rejected: float = 1.0,
    ) -> None:
        """Write a stream of records and rejections in one pass; nothing if that was done before.

        Args:
            record_type: Of the records.
            rows: Records, Arrow batches of them, and `Rejection`s.
            tally: Counts what `rows` reads, while it is read.
            what: One sentence for the dataset card.
            unit: What a row is called while it is counted.
            max_rejected: Largest share of rejected rows.

        Raises:
            StoreError: the stage was started otherwise, another process is at it, the disk is full,
                or the job's time did not suffice.
            StoppedError: the command was asked to stop.
            AccountingError: rows in are not rows out plus rejected plus not drawn, or none is out.
        """
        self.start()
        part, quiet_s = Part(0, 1), math.inf if self.goes_on else 0.0  # a training shows itself
        if self._say_finished() or not self._claim(part):
            return
        with (
            put_back_on_failure(self.folder, self.claims),
            nullcontext() if self.goes_on else self._told_what_is_lost(),
            Display(self.folder.stage, unit=f"{unit} written", quiet_s=quiet_s) as display,
            self._tracker() as tracker,
        ):
            tally.watched = partial(reading, self.folder.path)
            show = self._shower(display, tracker)
            self._write_stream(part, record_type, rows, tally, show)
            counted = Counted(
                rows_in=tally.rows, not_drawn=tally.not_drawn, notes=dict(tally.notes)
            )
            counted.unmet += tally.unmet
            counted.read_from |= tally.read_from
            self._close(counted, tracker, what=what, max_rejected=max_rejected)
        self.claims.release(part.name)
        for sentence in counted.unmet:
            self._say(sentence)

    def work(
        self,
        plan: Plan[Any],
        open_model: Callable[[], Model],
        *,
        what: str,
        max_rejected: float,
        notes: Callable[[], Mapping[str, int]],
    ) -> None:
        """Do all parts that are free, with a model; close the stage if nothing is left.

        Args:
            plan: The stage's work.
            open_model: Called when there is work: a finished stage needs no engine.
            what: One sentence for the dataset card.
            max_rejected: Largest share of rejected rows.
            notes: Called when nothing is left: counts worth telling that are no rejections.

        Raises:
            SystemExit: with status 0, after a preview.
            StoreError: the stage was started otherwise, the one part asked for is held by another
                process, or the disk is full.
            BudgetError: the run has spent what it may.
            AccountingError: the books do not close, or too much was rejected.
        """
        if self.config.preview:
            preview(plan, open_model(), self.config.preview)
            self._say_previewed()
            raise SystemExit(0)
        self.start()
        if self._say_finished():
            return
        keys = list(plan.keys())
        with (
            put_back_on_failure(self.folder, self.claims),
            Display(self.folder.stage, unit="records") as display,
            self._tracker() as tracker,
            closing(Reporter(self.folder.path, total=len(keys))) as reporter,
            self.stopping.within(Budget(self.asked, self.folder.run_dir, role=self.role)),
        ):
            show = self._shower(display, tracker, reporter, n_rejected(self.folder))
            worker = PartWorker(
                *(self.folder, plan),
                claims=self.claims,
                parts=parts_for(len(keys), self.config.parts),
                show=show,
                stopping=self.stopping,
            )
            check_same(self.folder, self.fingerprint)
            if not keys:
                worker.seal_without_work()
            elif self.config.part is not None:
                self._do_one_part(worker, self.config.part, open_model)
            else:
                self._do_all_parts(worker, open_model)
            left = worker.left()
            done = self.folder.done_keys(plan.key_columns)
            display.settle(done=len(done), rejected=n_rejected(self.folder))
            told = f"{len(left)} of {worker.parts} parts are left"
            if left:
                self._stop_if_asked(told)
            if left and set(keys) - done:
                return self._say(f"{told} (parts= does them)")
            counted = Counted(rows_in=check_all_done(self.folder, keys, done), notes=dict(notes()))
            self._close(counted, tracker, what=what, max_rejected=max_rejected)
        self._say_noted(counted)

    def _do_one_part(
        self, worker: PartWorker[Any], number: int, open_model: Callable[[], Model]
    ) -> None:
        """Do one part; it is claimed before the model is opened, which takes minutes."""
        if number not in worker.left():
            return
        part = Part(number, worker.parts)
        self._refuse_part(part, self.claims.take(part.name))
        model = open_model()
        self.claims.release(part.name)  # the worker takes it itself, the next moment
        worker.run(model, [number])
        if number in worker.left():
            self._refuse_part(part, self.claims.others().get(part.name))

    def _refuse_part(self, part: Part, holder: Holder | None) -> None:
        if holder is not None:
            raise StoreError(
                f"part {part.number} of {part.of} of {self.folder.path} is being worked on by "
                f"{holder}; wait for it, or stop it: its finished answers are kept"
            )

    def _do_all_parts(self, worker: PartWorker[Any], open_model: Callable[[], Model]) -> None:
        """Do what is free; wait for parts that replicas hold, in a composite for anybody's.

        A part whose holder dies meanwhile becomes free and is done here.
        """
        is_told = False
        while True:
            free, holders = self._look(worker)
            if self.stopping.reason:
                return
            if free:
                worker.run(open_model(), free)
                continue
            if not self.is_inside_composite:  # the next stage would need those too
                holders = [holder for holder in holders if holder in self.replicas]
            if not holders:
                return
            if not is_told:
                self._say(f"waiting for {len(holders)} parts held by {holders[0]}")
                is_told = True
            time.sleep(_POLL_S)
            self.replicas.report_dead()

    def _look(self, worker: PartWorker[Any]) -> tuple[list[int], list[Holder]]:
        """Return which parts are free, and who holds the others that are left."""
        held = self.claims.others()  # first: a part that is done after this look is not left
        left = {number: Part(number, worker.parts).name for number in worker.left()}
        free = [number for number, name in left.items() if name not in held]
        return free, [held[name] for name in left.values() if name in held]

    def _claim(self, part: Part) -> bool:
        """Claim the one part of a streaming stage; False when another process finished it.

        In a composite this waits for the other process: the next stage needs the records. So does a
        job that SLURM has started again: its former life may hold the claim for a while, on a node
        that is gone.
        """
        holder = self.claims.take(part.name)
        is_restarted = "SLURM_RESTART_COUNT" in os.environ
        is_patient = self.is_inside_composite or self.is_shared or is_restarted
        if holder is not None and not is_patient:
            raise StoreError(
                f"{self.folder.path} is being written by {holder}; wait for it, or stop it"
            )
        if holder is not None:
            self._say(f"waiting for {holder}")
        while holder is not None:
            time.sleep(_POLL_S)
            holder = self.claims.take(part.name)
        check_same(self.folder, self.fingerprint)
        if self.is_finished:
            self.claims.release(part.name)
            return False
        return True

    @contextmanager
    def _told_what_is_lost(self) -> Iterator[None]:
        """Say of a stream that is stopped that it has to begin again; requeued it would not end."""
        try:
            yield
        except StoppedError as stopped:
            if self.stopping.is_near_end:
                raise StoreError(
                    f"{self.folder.stage} did not end within the time of its job, and nothing of "
                    "it is kept; give it more: slurm.time=, or sbatch --time="
                ) from stopped
            raise StoppedError(
                f"{self.folder.stage}: {self.stopping.reason}; nothing of it is kept; the same "
                "command begins it again"
            ) from stopped

    def _write_stream(
        self, part: Part, record_type: type, rows: Iterable[Any], tally: Tally, show: Show
    ) -> None:
        records = PartWriter(self.folder.data_file(part), record_type)
        rejections = PartWriter(self.folder.rejected_file(part), Rejection)
        try:
            for number, row in enumerate(rows):
                if not number:  # before it a source is read, which shows itself
                    show(Progress(0, 0, None, 0, 0, 0, 0))
                if isinstance(row, pa.RecordBatch):
                    records.write_batch(row)
                else:
                    (rejections if isinstance(row, Rejection) else records).write(row)
                show(Progress(records.rows, rejections.rows, None, 0, 0, 0, 0))
            done = Progress(records.rows, rejections.rows, None, 0, 0, 0, 0)
            show(done._replace(not_drawn=tally.not_drawn))
            rejections.close()
            records.close()
            forget(self.folder)
        except BaseException:
            records.discard()
            rejections.discard()
            raise

    def _close(self, counted: Counted, tracker: Tracker, *, what: str, max_rejected: float) -> None:
        check_same(self.folder, self.fingerprint)
        refuse_nothing_made(self.folder, counted)
        close_stage(
            self.folder,
            counted,
            fingerprint=self.fingerprint,
            about={"what": what, "command": self.command, "opencharacter": __version__}
            | planned_of(self.folder, self.config)
            | cost_of(self.folder.path, self.asked),
            max_rejected=max_rejected,
        )
        self._say_rejected()
        if tracker.run is not None:
            tracker.finish(self.folder.manifest_file)
        elif self.config.tracking is not Tracking.none:  # whoever tracked has ended meanwhile
            with self._tracker() as late:
                late.finish(self.folder.manifest_file)

    def _stop_if_asked(self, left: str) -> None:
        """Raise if the command shall stop.

        Raises:
            BudgetError: the run has spent what it may.
            StoppedError: with the reason, and what is left.
        """
        if self.stopping.overspent:
            raise BudgetError(
                f"{self.folder.stage}: {self.stopping.overspent}; {left}; raise the budget, and "
                "the same command goes on"
            )
        if self.stopping.reason:
            raise StoppedError(
                f"{self.folder.stage}: {self.stopping.reason}; {left}; the same command goes on"
            )

    def _shower(
        self, display: Display, tracker: Tracker, reporter: Reporter | None = None, before: int = 0
    ) -> Show:
        everybody = of_all(self.folder, claim_timeout_s=self.config.claim_timeout_s)
        return shower(
            *(display, tracker, self.replicas, reporter),
            rejected_before=before,
            everybody=everybody,
        )

    @contextmanager
    def _tracker(self) -> Iterator[Tracker]:
        """Track in one process at a time, who holds the claim, and in no replica."""
        is_tracked = self.config.tracking is not Tracking.none and not is_replica()
        is_mine = is_tracked and not self.claims.take(_TRACKING)
        tracker = open_tracker(
            self.config.tracking if is_mine else Tracking.none,
            project=self.config.project,
            run=self.config.run,
            stage=self.folder.stage,
            run_dir=self.folder.run_dir,
            started=self.folder.started() or {},
        )
        self.tracker = tracker
        try:
            yield tracker
        finally:
            tracker.close()
            self.tracker = None
            if is_mine:
                self.claims.release(_TRACKING)

    def _say_rejected(self) -> None:
        """Tell the reasons; a composite's closing table does."""
        if not self.is_inside_composite and (told := told_rejected(self.folder)):
            self._say(told)

    def _say_noted(self, counted: Counted) -> None:
        """Tell what is worth telling besides, such as marks: a check that failed must be seen."""
        if noted := [f"{count:,} {note}" for note, count in counted.notes.items() if count]:
            self._say(", ".join(noted))

    def _say_previewed(self) -> None:
        follow = "; what follows needs its records, and can be looked at when they are made"
        self._say(f"a preview, nothing of it is kept{follow * self.is_inside_composite}")

    def _say_finished(self) -> bool:
        if self.is_finished:
            self._say("already finished")
        return self.is_finished

    def _say(self, text: str) -> None:
        print(f"{self.folder.stage}: {text}", file=sys.stderr)
