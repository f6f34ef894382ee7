"""Work in several processes: in order, prepared, and deaf to Ctrl+C from the first moment."""

import os

from opencharacter.sources.processes import _start, in_processes

PREPARED: list[int] = []


def prepare():
    PREPARED.append(os.getpid())


def doubled(number):
    return number * 2, [os.getpid()] == PREPARED


def test_results_come_in_the_order_of_their_tasks_from_prepared_processes():
    found = list(in_processes(doubled, range(9), 2, setting="x.processes", prepare=prepare))

    assert found == [(number * 2, True) for number in range(9)]
    assert not PREPARED


def test_all_processes_start_while_signals_are_held_back():
    pool = _start(3, None)

    assert len(pool._processes) == 3

    pool.shutdown()
