"""Parts and who works on them: a claim is a file, created exclusively, with a heartbeat.

Results are keyed by record, so a part that two processes work on by mistake costs time, never rows.
"""

import json
import os
import re
import secrets
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from opencharacter.errors import StoreError
from opencharacter.store.files import disk_errors, write_json


class Part(NamedTuple):
    """One piece of a stage's work."""

    number: int
    """From 0."""
    of: int

    @property
    def name(self) -> str:
        """File name without suffix, such as `part-00003-of-00008`."""
        return f"part-{self.number:05d}-of-{self.of:05d}"


class Holder(NamedTuple):
    """Who holds a claim."""

    token: str
    host: str
    pid: int
    started: str
    """Start time of the process as the kernel counts it: pids are used again."""
    age_s: float
    """Since the last heartbeat."""

    def __str__(self) -> str:
        """Name the holder in an error."""
        return f"process {self.pid} on {self.host} (last heartbeat {self.age_s:.0f} s ago)"


class Claims:
    """The claims of one stage's folder, and those held by this process.

    Args:
        folder: Where claim files are.
        timeout_s: A claim whose heartbeat is older is free again; a claim of a dead process of
            this machine is free at once.
    """

    def __init__(self, folder: Path, *, timeout_s: float) -> None:
        """Prepare; the heartbeat starts with the `with` block."""
        self._folder = folder
        self._timeout_s = timeout_s
        self._held: dict[str, Path] = {}
        self._token = secrets.token_hex(8)
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True, name="claims")

    def __enter__(self) -> Self:
        """Make the folder, and start the heartbeat."""
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._beat.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the heartbeat and let go of everything."""
        self._stop.set()
        self._beat.join()
        for name in list(self._held):
            self.release(name)

    def take(self, name: str) -> Holder | None:
        """Claim `name`; return None on success, or who else holds it."""
        path = self._folder / f"{name}.json"
        holder = self._holder(path)
        if holder is not None and self._is_alive(holder):
            return holder
        if holder is not None and not self._remove_dead(path, holder):
            return self._holder(path) or holder
        mine = {
            "token": self._token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": start_time(os.getpid()),
        }
        try:
            write_json(path, mine, replace=False)
        except FileExistsError:
            return self._holder(path) or self.take(name)
        self._held[name] = path
        return None

    def holds(self, name: str) -> bool:
        """Say whether `name` is ours, and was not taken over after a long pause."""
        holder = self._holder(self._held[name]) if name in self._held else None
        return holder is not None and holder.token == self._token

    def release(self, name: str) -> None:
        """Let go of a claim of ours, unless it was taken over after a long pause."""
        path = self._held.pop(name)
        holder = self._holder(path)
        if holder is not None and holder.token == self._token:
            path.unlink(missing_ok=True)

    def others(self) -> dict[str, Holder]:
        """Return the claims that living processes other than this one hold."""
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            holder = self._holder(path)
            if holder and holder.token != self._token and self._is_alive(holder):
                found[path.stem] = holder
        return found

    def dead(self) -> dict[str, Holder]:
        """Return the claims whose process is gone, without touching them."""
        holders = {path.stem: self._holder(path) for path in sorted(self._folder.glob("*.json"))}
        return {name: h for name, h in holders.items() if h and not self._is_alive(h)}

    def refuse_other_partition(self, of: int) -> None:
        """Raise if a living process cuts the same work into another number of parts.

        Raises:
            StoreError: rows could be made twice.
        """
        for name, holder in self.others().items():
            match = re.fullmatch(r"part-\d+-of-(\d+)", name)
            if match and int(match[1]) != of:
                raise StoreError(
                    f"{holder} works on {self._folder.parent} with parts={int(match[1])}, this "
                    f"process has parts={of}; give both the same number, or wait for it"
                )

    def _keep_beating(self) -> None:
        while not self._stop.wait(self._timeout_s / 6):
            for path in list(self._held.values()):
                try:
                    os.utime(path)
                except FileNotFoundError:
                    continue  # taken over after a long pause of this process: keyed rows, no harm

    def _holder(self, path: Path) -> Holder | None:
        try:
            content = path.read_bytes()
            age = max(time.time() - path.stat().st_mtime, 0.0)
        except FileNotFoundError:
            return None
        try:
            claim = json.loads(content)
            pid = int(claim["pid"])
            return Holder(claim["token"], claim["host"], pid, claim["started"], age)
        except (ValueError, KeyError, TypeError):
            # Emptied by a power cut, or damaged: free once it is old enough.
            return Holder(token="", host="an unknown machine", pid=0, started="", age_s=age)

    def _is_alive(self, holder: Holder) -> bool:
        if holder.host == socket.gethostname():
            return is_running(holder.pid, holder.started)
        return holder.age_s < self._timeout_s

    def _remove_dead(self, path: Path, holder: Holder) -> bool:
        """Move a dead claim away; False when another process was quicker."""
        grave = path.with_name(f".{path.name}.{self._token}.dead")
        try:
            path.rename(grave)
        except FileNotFoundError:
            return True
        taken = self._holder(grave)
        if taken is not None and taken.token != holder.token:
            os.link(grave, path)  # it was claimed anew between the look and the rename: put it back
            grave.unlink()
            return False
        grave.unlink(missing_ok=True)
        return True


def is_running(pid: int, started: str) -> bool:
    """Return whether a process of this machine, as `start_time` knew it, is still there."""
    return start_time(pid) == started != ""


def start_time(pid: int) -> str:
    """Return the kernel's start time of a process, empty if there is none of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self").exists() else _alive_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    is_zombie = fields[0] == "Z"
    return "" if is_zombie else fields[19]


def _alive_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
