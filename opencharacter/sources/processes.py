"""Work on the pieces of huge files in several processes.

They end with the process that started them, however that one ends.
"""

import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.queues import Queue
from typing import TypeVar

from opencharacter.errors import SourceError
from opencharacter.sources.chunks import Chunk, Task, read_chunk

Given = TypeVar("Given")
Made = TypeVar("Made")

_AHEAD = 2  # pieces for each process: one that is read, one that waits
_SIGNAL_S = 1.0


def read_in_processes(tasks: Iterable[Task], processes: int) -> Iterator[Chunk]:
    """Yield what the pieces hold, in their order; the next task is taken when a result is.

    Raises:
        SourceError: A file cannot be read, or a process was killed.
    """
    yield from in_processes(read_chunk, tasks, processes, setting="personas.processes")


def in_processes(
    work: Callable[[Given], Made],
    tasks: Iterable[Given],
    processes: int,
    *,
    setting: str,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Made]:
    """Yield what `work` makes of each task, in their order; a task is taken when a result is.

    Args:
        work: Done in the processes; like the tasks and what it makes, it is pickled.
        tasks: Any number of them.
        processes: How many.
        setting: Of the configuration, that says so.
        prepare: Called in each process before its first task.

    Raises:
        SourceError: A process was killed.
    """
    waiting: deque[Future[Made]] = deque()
    pool = _start(processes, prepare)
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) == _AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        time.sleep(_SIGNAL_S)  # whoever ended it may be about to end this one, with a reason
        raise SourceError(
            "a process that read the source was killed, perhaps for want of memory; give the same "
            f"command again, with a smaller {setting}"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start(processes: int, prepare: Callable[[], None] | None) -> ProcessPoolExecutor:
    """Start them all, deaf to Ctrl+C: it reaches them too, and only the first one shall answer.

    They are spawned: threads run here already, which a fork would not survive.
    """
    resource_tracker.ensure_running()  # here, for its start lets signals through again
    context = get_context("spawn")
    # In a queue, for a process that starts reads its arguments late: the next one would wait.
    given = context.Queue()
    given.cancel_join_thread()  # what nobody took is no reason to wait at the end
    for _ in range(processes):
        given.put(pickle.dumps(prepare))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool = ProcessPoolExecutor(
            processes,
            mp_context=context,
            initializer=_begin,
            initargs=(given,),
        )
        for _ in range(processes):  # each piece of work starts one while none is idle
            pool.submit(int)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pool


def _begin(given: "Queue[bytes]") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_parent, daemon=True, name="parent").start()
    prepare: Callable[[], None] | None = pickle.loads(given.get())
    if prepare is not None:
        prepare()


def _watch_parent() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(2)
