"""When to stop before the work is done: on a signal, near the end of the wall time, out of budget.

SLURM sends USR1 some minutes before a job's end (`--signal=USR1@300`) and when another job takes
its place; TERM means the same. Whoever works then asks nothing new, lets running requests end, and
the command ends with status 85, on which the batch file requeues it.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from opencharacter.errors import StoppedError
from opencharacter.llm.budget import Budget
from opencharacter.llm.requests import Completion

STOPPED = 85
"""Exit status of a command that stopped with work left: no `afterok` job may start on it."""

_AWAITS_USR1 = "awaits USR1"
_RECENT = 1000  # answers whose times are kept
_SEAL_S = 20.0  # kept free for writing what is done
_FIRST_S = 120.0  # for running requests to end after a signal, before the first answer is known
_NEAR_S = 400.0  # the batch file asks for the signal 300 s before the end; SLURM is 60 s early
_ASK_S = 10.0  # longest wait for SLURM's answer


class Stopping:
    """Knows whether to go on; one for the whole command."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """Go on for ever, until `listen` or `until` says otherwise."""
        self._clock = clock
        self._reason = ""
        self._ends_at: float | None = None
        self._seconds: deque[float] = deque(maxlen=_RECENT)
        self._budget: Budget | None = None
        self._signalled_at: float | None = None
        self._is_patient = False

    @property
    def reason(self) -> str:
        """Why nothing new may be asked; empty = go on."""
        if not self._reason and self._ends_at is not None:
            left = self._ends_at - self._clock()
            if left < max(self._seconds, default=0.0) + _SEAL_S:
                self._reason = f"{left:.0f} s of the wall time are left"
        return self._reason or self.overspent

    @property
    def overspent(self) -> str:
        """Why the budget of this work allows nothing new; empty = it does, or there is none."""
        return self._budget.reason if self._budget else ""

    @property
    def is_over(self) -> bool:
        """Whether not even running requests may be waited for.

        After a signal they have the time of the slowest recent answer, and a little more: what
        takes longer waits for a server that is gone.
        """
        now = self._clock()
        if self._signalled_at is not None:
            grace_s = max(self._seconds, default=_FIRST_S) + _SEAL_S
            if now - self._signalled_at > grace_s:
                return True
        return self._ends_at is not None and self._ends_at - now < _SEAL_S / 2

    @contextmanager
    def within(self, budget: Budget) -> Iterator[None]:
        """Stop as well when a budget is used up, until the end of the block."""
        self._budget = budget
        try:
            yield
        finally:
            self._budget = None

    def heard(self, completion: Completion) -> None:
        """Count what an answer took from the budget."""
        if self._budget:
            self._budget.hear(completion)

    def took(self, seconds: float) -> None:
        """Remember how long an answer took."""
        self._seconds.append(seconds)

    def until(self, ends_at: float) -> None:
        """Set when the wall time ends, in seconds since 1970."""
        self._ends_at = ends_at

    @property
    def is_near_end(self) -> bool:
        """Whether the wall time is why to stop: a signal may be its messenger."""
        return self._ends_at is not None and self._ends_at - self._clock() < _NEAR_S

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Leave it to the work inside of this block to look at `reason`, and to stop well.

        Outside the command ends as soon as it is asked to: there is nothing to save.
        """
        self._is_patient = True
        try:
            yield
        finally:
            self._is_patient = False

    @contextmanager
    def impatience(self) -> Iterator[None]:
        """Take the patience back for this block, such as while a model opens for minutes."""
        before, self._is_patient = self._is_patient, False
        try:
            yield
        finally:
            self._is_patient = before

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Take the first Ctrl+C of this block as a request to stop; a second ends it at once."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, before)
            self._ask("interrupted")

        before = signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def listen(self) -> None:
        """Stop on USR1, TERM and at the end of this SLURM job; a second TERM has its usual effect.

        USR1 is blocked in this process and in all that it starts, and taken by a thread: SLURM
        sends it to the engine's workers too, whom it would kill. The handler is for threads that
        were there before.
        """
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGUSR1, self._on_usr1)
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        threading.Thread(target=self._await_usr1, name=_AWAITS_USR1, daemon=True).start()
        ends_at = slurm_end()
        if ends_at is not None:
            self.until(ends_at)
            left = ends_at - self._clock() - _SEAL_S / 2
            signal.setitimer(signal.ITIMER_REAL, max(left, 0.001))

    def _await_usr1(self) -> None:
        signal.sigwait({signal.SIGUSR1})
        self._ask("SIGUSR1 was sent")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def _on_usr1(self, _number: int, _frame: FrameType | None) -> None:
        self._ask("SIGUSR1 was sent")
        self._end_at_once()

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._ask("SIGTERM was sent")
        self._end_at_once()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        self._ask("the wall time is nearly over")
        self._end_at_once()

    def _ask(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._signalled_at = self._signalled_at or self._clock()

    def _end_at_once(self) -> None:
        if not self._is_patient:
            raise StoppedError(f"{self._reason}; the same command goes on")


def slurm_end() -> float | None:
    """Return when this SLURM job ends, in seconds since 1970; None outside, or without a limit."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return None
    known = os.environ.get("SLURM_JOB_END_TIME", "")
    if known.isdigit():
        return float(known)
    try:
        shown = subprocess.run(
            ["scontrol", "show", "job", "-o", job],
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\bEndTime=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", shown)
    return datetime.fromisoformat(found[1]).timestamp() if found else None
