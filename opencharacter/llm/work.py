"""Work through a stage's parts with a model: claim, run, log, seal, and go on with the next.

The window of requests is carried over the border between parts: the next part is claimed and its
sessions admitted while the last ones of the part before are still running.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from opencharacter.llm.requests import Completion, Model, Session
from opencharacter.llm.sessions import Admitted, run_sessions
from opencharacter.llm.stopping import Stopping
from opencharacter.progress import Progress
from opencharacter.records import Rejection
from opencharacter.store.aside import check_same, forget
from opencharacter.store.claims import Claims, Part
from opencharacter.store.completions import (
    CompletionLog,
    SharedCompletions,
    other_partitions,
)
from opencharacter.store.rows import write_records
from opencharacter.store.stage import StageFolder

Record = TypeVar("Record")

ROWS_PER_PART = 500
"""Rows in a part where `parts` is not given: small enough to balance, large enough to compress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[Record]):
    """All work of a stage, cut into parts by a hash of the character (or persona)."""

    keys: Callable[[], Iterable[str]]
    """The key of every piece of work, in constant memory."""
    sessions: Callable[[Part], Iterator[tuple[str, Session[Record]]]]
    """Key and session of each piece of a part, neighbours sharing prompt prefixes."""
    key_columns: tuple[str, ...]
    """Columns of a record that make up its work's key, joined by a slash."""
    record_type: type[Record]
    shared: SharedCompletions | None = None
    """Completions that many runs share; None = they are the stage's own."""


@dataclass(slots=True)
class _OpenPart(Generic[Record]):
    """A part that is being worked on."""

    part: Part
    log: CompletionLog
    order: list[str] = field(default_factory=list)
    results: dict[str, Record | Rejection] = field(default_factory=dict)
    is_admitted: bool = False
    """All its sessions have started."""

    @property
    def is_whole(self) -> bool:
        """Whether all its sessions have started and ended."""
        return self.is_admitted and len(self.results) == len(self.order)


class PartWorker(Generic[Record]):
    """One pass over the parts of a stage that nobody else holds."""

    def __init__(
        self,
        folder: StageFolder,
        plan: Plan[Record],
        *,
        claims: Claims,
        parts: int,
        show: Callable[[Progress], None],
        stopping: Stopping,
    ) -> None:
        """Look at what is done already.

        Args:
            folder: The stage's.
            plan: Its work.
            claims: The stage's, entered.
            parts: How many parts the work is cut into.
            show: Called after each finished piece of work.
            stopping: Says when to ask nothing new.
        """
        self._folder = folder
        self._plan = plan
        self._claims = claims
        self.parts = parts
        self._show = show
        self._stopping = stopping
        self._shared = plan.shared
        self.fingerprint = (folder.started() or {}).get("fingerprint", "")
        self._open: list[_OpenPart[Record]] = []
        self._done = 0
        self._rejected = 0
        self._heard = Progress(0, 0, None, 0, 0, 0, 0)
        self.total = len(list(plan.keys()))

    def run(self, model: Model, numbers: Iterable[int]) -> None:
        """Do every part of `numbers` that is not done and not held by another process.

        Raises:
            StoreError: another process cuts the work differently, or the disk is full.
        """
        self._done = len(self._folder.done_keys(self._plan.key_columns))
        self._show(self._heard._replace(done=self._done, total=self.total))
        with self._stopping.patience():
            self._run(model, numbers)

    def _run(self, model: Model, numbers: Iterable[int]) -> None:
        # Tasks and engine stay to the end: the garbage collector would look at them again and again
        # for as much as a tenth of our own time. Nothing is unfrozen: that would give back what the
        # engine froze at its start, half a second for every full collection from then on.
        gc.collect()
        gc.freeze()
        try:
            for (opened, key), result in run_sessions(
                model, self._admit(numbers), heard=self._hear, stopping=self._stopping
            ):
                opened.results[key] = result
                self._done += 1
                self._rejected += isinstance(result, Rejection)
                self._seal_whole_parts()
                self._show(
                    self._heard._replace(
                        done=self._done,
                        rejected=self._rejected,
                        total=self.total,
                        unsealed=sum(len(opened.results) for opened in self._open),
                    )
                )
        finally:
            for opened in self._open:
                opened.log.close()
            if self._shared:
                self._shared.close()

    def seal_without_work(self) -> None:
        """Write empty parts, where there is nothing to do: a stage without rows is whole too."""
        for number in self.left():
            part = self._part(number)
            write_records(self._folder.rejected_file(part), Rejection, [])
            write_records(self._folder.data_file(part), self._plan.record_type, [])
        forget(self._folder)

    def left(self) -> list[int]:
        """Return the parts that are not whole."""
        return [number for number in range(self.parts) if not self._is_done(self._part(number))]

    def _part(self, number: int) -> Part:
        return Part(number, self.parts)

    def _is_done(self, part: Part) -> bool:
        return self._folder.data_file(part).exists()

    def _admit(
        self, numbers: Iterable[int]
    ) -> Iterator[Admitted[tuple[_OpenPart[Record], str], Record]]:
        elsewhere = self._folder.done_keys(self._plan.key_columns, other_than=self.parts)
        logs = self._folder.completions
        other_logs = other_partitions(logs, self.parts)
        for number in numbers:
            part = self._part(number)
            if self._is_done(part) or self._claims.take(part.name) is not None:
                continue
            self._claims.refuse_other_partition(self.parts)
            if self._is_done(part):  # sealed by another process between the look and the claim
                self._claims.release(part.name)
                continue
            opened = _OpenPart[Record](part, CompletionLog(logs, part, other_logs, self._shared))
            self._open.append(opened)
            for key, session in self._plan.sessions(part):
                if key not in elsewhere:
                    opened.order.append(key)
                    yield Admitted((opened, key), session, opened.log)
            opened.is_admitted = True
            self._seal_whole_parts()  # at once: a part without work must not keep its log open

    def _hear(self, completion: Completion) -> None:
        heard = self._heard
        self._heard = heard._replace(
            output_tokens=heard.output_tokens + completion.output_tokens,
            prompt_tokens=heard.prompt_tokens + completion.prompt_tokens,
            cached_tokens=heard.cached_tokens + completion.cached_tokens,
            calls=heard.calls + 1,
        )

    def _seal_whole_parts(self) -> None:
        for opened in [opened for opened in self._open if opened.is_whole]:
            self._seal(opened)
            self._open.remove(opened)

    def _seal(self, opened: _OpenPart[Record]) -> None:
        """Write a part's rows in the order of its work, rejections first: data makes it whole."""
        results = [opened.results[key] for key in opened.order]
        rejected = [result for result in results if isinstance(result, Rejection)]
        records = [result for result in results if not isinstance(result, Rejection)]
        opened.log.close()
        if self.fingerprint:
            check_same(self._folder, self.fingerprint)
        write_records(self._folder.rejected_file(opened.part), Rejection, rejected)
        write_records(self._folder.data_file(opened.part), self._plan.record_type, records)
        forget(self._folder)
        self._claims.release(opened.part.name)


def parts_for(total: int, parts: int | None) -> int:
    """Return into how many parts `total` pieces of work are cut: `parts`, or by size."""
    return parts if parts is not None else max(1, min(1000, -(-total // ROWS_PER_PART)))
