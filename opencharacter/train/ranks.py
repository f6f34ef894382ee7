"""The ranks of one training: they begin together, follow rank 0, and end together.

Rank 0 keeps the stage's books and decides; the others wait for what it says. Whoever fails says so
in the store that all of them reach, and the others end quietly, so that the user reads one message.
A thread in each rank looks there every second: a rank that waits for the others in a kernel of the
GPU, where no exception reaches it, ends too.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from torch import distributed

from opencharacter.errors import ConfigError, OpenCharacterError, RanksError, StoppedError
from opencharacter.llm.stopping import STOPPED
from opencharacter.train.launch import NAMES, rank_environment, reachable

_LOOK_S = 1.0
_GRACE_S = 60.0
"""How long a rank may take to end by itself after another one has failed, its tracking included."""
_FAREWELL_S = 60.0
"""How long ranks wait for each other at the end."""
_FAREWELL_OF_FAILED_S = 3.0
"""The same after an error, when some may be gone for ever; their watches have seen it by then."""
PATIENCE = timedelta(hours=2)
"""Longest wait of a rank for another: rank 0 may be packing rows, or writing a checkpoint."""


class Failure(NamedTuple):
    """What a rank said when it failed."""

    rank: int
    status: int
    """Exit status it ends with."""
    message: str


class Ranks:
    """This process among the others; alone, everything here is decided at once."""

    def __init__(
        self,
        rank: int = 0,
        world_size: int = 1,
        local_rank: int = 0,
        store: distributed.Store | None = None,
    ) -> None:
        """Know which rank this is of how many; `together` makes those that have company."""
        self.rank = rank
        self.world_size = world_size
        self.local_rank = local_rank
        self._store = store
        self._decisions = 0

    @property
    def is_first(self) -> bool:
        """Whether this process keeps the books and talks to the user."""
        return self.rank == 0

    def decide(self, value: Any = None) -> Any:
        """Return what rank 0 decided: it gives a value for JSON, the others wait for it.

        Raises:
            SystemExit: another rank has failed meanwhile, and has said why.
        """
        if self._store is None or self.world_size == 1:
            return value
        key = f"decision/{self._decisions}"
        self._decisions += 1
        if self.is_first:
            self._store.set(key, json.dumps(value))
            return value
        while not self._store.check([key]):
            if failed := self.failure():
                raise SystemExit(failed.status)
            time.sleep(_LOOK_S / 5)
        return json.loads(self._store.get(key))

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank; all ranks ask at the same step."""
        if self.world_size == 1:
            return flag
        found = torch.tensor([int(flag)], device=_device())
        distributed.all_reduce(found, op=distributed.ReduceOp.MAX)
        return bool(found.item())

    def wait_for_all(self) -> None:
        """Wait until every rank is here."""
        self.any(False)

    def failure(self) -> Failure | None:
        """Return what the first rank that failed said; None while none has.

        Raises:
            RuntimeError: the process that keeps the store is gone.
        """
        if self._store is None or not self._store.check(["failure"]):
            return None
        return Failure(*json.loads(self._store.get("failure")))

    def fail(self, status: int, message: str) -> Failure:
        """Tell the others that this rank ends; return what the first of all that fail said."""
        mine = Failure(self.rank, status, message)
        if self._store is None:
            return mine
        if self._store.add("failures", 1) == 1:
            self._store.set("failure", json.dumps(mine))
            return mine
        self._store.wait(["failure"], timedelta(seconds=_GRACE_S))
        return self.failure() or mine

    def part(self, *, within_s: float) -> None:
        """Say farewell: rank 0 waits until the others have, and they until it has waited.

        Who keeps the store must not go before the others have read it, and a rank that ends with
        another status than 0 must not go before rank 0 has closed its books: SLURM kills the others
        then.
        """
        if self._store is None:
            return
        end = time.monotonic() + within_s
        self._store.add("gone", int(not self.is_first))
        while time.monotonic() < end and not self._may_go(self._store):
            time.sleep(_LOOK_S / 10)
        if self.is_first:
            self._store.set("over", "")
            time.sleep(_LOOK_S / 4)  # for them to see it

    def _may_go(self, store: distributed.Store) -> bool:
        if self.is_first:
            return bool(store.add("gone", 0) >= self.world_size - 1)
        try:
            return bool(store.check(["over"]))
        except RuntimeError:  # it is
            return True


@contextmanager
def together(*, needs_group: bool = False) -> Iterator[Ranks]:
    """Join the other ranks, if there are any, until the end of the block.

    Args:
        needs_group: Start a process group for a single process too: DeepSpeed wants one.

    Raises:
        ConfigError: the environment names half a rank, or more ranks than this machine has GPUs.
        RanksError: another rank ended without a word.
        SystemExit: another rank failed, and has said why.
    """
    environment = rank_environment(os.environ)
    if not environment and not needs_group:
        yield Ranks()
        return
    before = {name: os.environ.get(name) for name in NAMES}
    ranks = _join(environment or _alone())
    watch = _Watch(ranks)
    try:
        yield ranks
    except BaseException as error:
        if not (isinstance(error, SystemExit) and not error.code):
            _end_after(error, ranks, watch)
        raise
    finally:
        watch.stop()
        _restore(before)
        if ranks.world_size == 1:
            distributed.destroy_process_group()
    if ranks.world_size > 1:
        ranks.part(within_s=_FAREWELL_S)
        distributed.destroy_process_group()


class _Watch:
    """Looks every second whether another rank has failed; ends this one if nothing else does."""

    def __init__(self, ranks: Ranks) -> None:
        self.seen: Failure | None = None
        self._ranks = ranks
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="ranks", daemon=True)
        if ranks.world_size > 1:
            self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._is_over.set()

    def _look(self) -> None:
        while self.seen is None:
            if self._is_over.wait(_LOOK_S):
                return
            try:
                self.seen = self._ranks.failure()
            except RuntimeError:
                self.seen = Failure(0, 2, "")
        if self._is_over.wait(_GRACE_S):
            return
        # What the main thread waits for will never come, and no exception reaches it.
        is_stop = self.seen.status == STOPPED
        if is_stop and self._ranks.is_first:
            sys.stderr.write(f"stopped: {self.seen.message}\n")
        sys.stderr.flush()
        os._exit(0 if is_stop and not self._ranks.is_first else self.seen.status)


def _end_after(error: BaseException, ranks: Ranks, watch: _Watch) -> None:
    """Tell the others of an error, or learn that it only follows theirs.

    A command that was asked to stop ends with its status on rank 0 only, and there last: SLURM ends
    a step as soon as one task ends with another status than 0.

    Raises:
        RanksError: a rank ended without a word.
        StoppedError: on rank 0, when another rank was asked to stop.
        SystemExit: on all ranks but the one that speaks to the user.
    """
    if ranks.world_size == 1:
        return
    try:
        first = watch.seen or ranks.failure() or ranks.fail(*_status(error))
    except RuntimeError as gone:
        raise RanksError(_lost("rank 0")) from gone
    is_stop = first.status == STOPPED
    with suppress(RuntimeError):
        ranks.part(within_s=_FAREWELL_OF_FAILED_S if not is_stop else _FAREWELL_S * ranks.is_first)
    if is_stop and not ranks.is_first:
        raise SystemExit(0) from error
    if is_stop:
        raise StoppedError(first.message) from error
    if first.rank != ranks.rank:
        raise SystemExit(first.status) from error
    if _is_lost_connection(error):
        raise RanksError(_lost("another rank")) from error


def _status(error: BaseException) -> tuple[int, str]:
    match error:
        case StoppedError():
            return STOPPED, str(error)
        case OpenCharacterError():
            return 2, str(error)
        case SystemExit():
            return int(error.code) if isinstance(error.code, int) else 1, ""
        case KeyboardInterrupt():
            return 130, "interrupted"
        case _:
            return 2 if _is_lost_connection(error) else 1, repr(error)


def _is_lost_connection(error: BaseException) -> bool:
    """Tell whether a collective failed because its other end is gone."""
    is_of_torch = isinstance(error, distributed.DistError) or "gloo" in str(error)
    return isinstance(error, RuntimeError) and is_of_torch


def _lost(who: str) -> str:
    return (
        f"{who} ended without a word, as when it is killed for its memory; see the log of its "
        "machine; the same command goes on from the last whole checkpoint"
    )


def _alone() -> dict[str, str]:
    """Return the environment of a group of one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return dict(zip(NAMES, ("0", "0", "1", "127.0.0.1", port), strict=True))


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _join(environment: dict[str, str]) -> Ranks:
    """Start the process group: gloo on the CPU, nccl on GPUs.

    Raises:
        ConfigError: there is no GPU for this rank.
    """
    environment["MASTER_ADDR"] = reachable(environment["MASTER_ADDR"])
    os.environ.update(environment)
    rank, world, local = (int(environment[n]) for n in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    is_on_gpus = torch.cuda.is_available()
    if is_on_gpus:
        there = torch.cuda.device_count()
        if local >= there:
            raise ConfigError(
                f"rank {rank} is number {local} of its machine, which shows {there} GPUs; start as "
                "many ranks as there are GPUs"
            )
        torch.cuda.set_device(local)
    store, _, _ = next(distributed.rendezvous("env://", rank, world, timeout=PATIENCE))
    distributed.init_process_group(
        backend="nccl" if is_on_gpus else "gloo",
        store=distributed.PrefixStore("group", store),
        rank=rank,
        world_size=world,
        timeout=PATIENCE,
    )
    # A connection of its own: one that waits would keep the group's from working.
    ours = distributed.PrefixStore("opencharacter", store.clone())
    return Ranks(rank, world, local, ours)


def _device() -> torch.device:
    is_on_gpus = distributed.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if is_on_gpus else torch.device("cpu")
