"""Reading the pieces of huge files in several processes.

They end with the process that started them, however that one ends.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, resource_tracker

from opencharacter.errors import SourceError
from opencharacter.sources.chunks import Chunk, Task, read_chunk

_AHEAD = 2  # pieces for each process: one that is read, one that waits
_SIGNAL_S = 1.0


def read_in_processes(tasks: Iterable[Task], processes: int) -> Iterator[Chunk]:
    """Yield what the pieces hold, in their order; the next task is taken when a result is.

    Raises:
        SourceError: A file cannot be read, or a process was killed.
    """
    waiting: deque[Future[Chunk]] = deque()
    pool = _start(processes)
    try:
        for task in tasks:
            waiting.append(pool.submit(read_chunk, task))
            if len(waiting) == _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        time.sleep(_SIGNAL_S)  # whoever ended it may be about to end this one, with a reason
        raise SourceError(
            "a process that read the source was killed, perhaps for want of memory; give the same "
            "command again, with a smaller personas.processes"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start(processes: int) -> ProcessPoolExecutor:
    """Start them all, deaf to Ctrl+C: it reaches them too, and only the first one shall answer.

    They are spawned: threads run here already, which a fork would not survive.
    """
    resource_tracker.ensure_running()  # here, for its start lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool = ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_end_with_parent
        )
        pool.submit(int)  # the first piece of work starts all processes
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pool


def _end_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_parent, daemon=True, name="parent").start()


def _watch_parent() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(2)
