"""Stopping a training on request, and marking its checkpoints.

SLURM's USR1 may reach one rank a step before another: ranks that each stopped by themselves would
wait for ever in different collectives. So they ask each other at the end of every step, and all
save the same one. transformers' own flag (`enable_jit_checkpoint`) is each rank's own.
"""

import math
import sys
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opencharacter.errors import StoppedError
from opencharacter.llm.stopping import Stopping
from opencharacter.train.checkpoints import Identity, Layout, mark_whole, remove_older
from opencharacter.train.ranks import Ranks

_ROOM = 1.5  # of the time that a stop took so far; a disk that others use may be slower


class Preemption(TrainerCallback):  # type: ignore[misc]
    """Saves and stops at the end of the step in which any rank was asked to stop.

    It has to come after `Marking`: it leaves the training by an exception.
    """

    def __init__(self, ranks: Ranks, stopping: Stopping, grace_s: float | None = None) -> None:
        """Take what is known of a stop.

        Args:
            ranks: All that train.
            stopping: Knows whether to stop.
            grace_s: Seconds from SLURM's signal to the end of the job; None = not known.
        """
        self._ranks = ranks
        self._stopping = stopping
        self._grace_s = grace_s
        self._validated = 0.0
        self._began = time.monotonic()
        self._slowest_s = {"step": 0.0, "save": 0.0}
        self._is_asked = False

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask the other ranks, and stop if one of them was asked to."""
        self._took("step")
        is_asked = self._ranks.any(bool(self._stopping.reason))
        if is_asked and state.global_step < state.max_steps:
            self._is_asked = True
            # The log too: the loss since the last line would be counted to no step.
            control.should_log = control.should_save = True

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Leave a validation out of the time of a checkpoint: a stop makes none."""
        self._validated = time.monotonic()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop, if it was asked for; what a step takes with its checkpoint is learned besides.

        Raises:
            StoppedError: on all ranks, at the same step.
        """
        saved_s = time.monotonic() - max(self._began, self._validated)
        self._warn_of_grace(saved_s, Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self._took("save")
        if self._is_asked:
            reason = self._stopping.reason or "another rank was asked to stop"
            raise StoppedError(
                f"train: {reason}; step {state.global_step} of {state.max_steps} is saved; the "
                "same command goes on"
            )

    def _warn_of_grace(self, saved_s: float, checkpoint: Path) -> None:
        """Say once that a signal would come too late: the first checkpoint tells what one takes."""
        needed = self._slowest_s["step"] + saved_s
        if self._grace_s is None or needed <= self._grace_s or not self._ranks.is_first:
            return
        size = sum(file.stat().st_size for file in checkpoint.rglob("*") if file.is_file())
        sys.stderr.write(
            f"train: a step takes up to {self._slowest_s['step']:.0f} s and its checkpoint "
            f"{saved_s:.0f} s ({size / 2**30:.2f} GiB at {size / 1e6 / max(saved_s, 1e-9):,.0f} "
            f"MB/s), but SLURM's signal comes {self._grace_s:.0f} s before the end: a stop would "
            f"lose the steps since the last checkpoint; give sbatch --signal=USR1@"
            f"{math.ceil(needed * _ROOM / 60) * 60}, or set runs_dir to a faster disk\n"
        )
        self._grace_s = None

    def _took(self, what: str) -> None:
        now = time.monotonic()
        self._slowest_s[what] = max(self._slowest_s[what], now - self._began)
        self._began = now
        self._stopping.took(sum(self._slowest_s.values()))


class Marking(TrainerCallback):  # type: ignore[misc]
    """Marks each checkpoint when every rank has written its share; then removes older ones."""

    def __init__(
        self, ranks: Ranks, identity: Identity, layout: Layout, *, keep: int, folder: Path
    ) -> None:
        """Take what the marker says.

        Args:
            ranks: All that write.
            identity: Of the training.
            layout: Of the ranks.
            keep: Whole checkpoints that stay, and the best one.
            folder: Of the checkpoints.
        """
        self._ranks = ranks
        self._identity = identity
        self._layout = layout
        self._keep = keep
        self._folder = folder

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Wait for all, and mark; who leaves a training early must not leave before that."""
        self._ranks.wait_for_all()
        if self._ranks.is_first:
            path = self._folder / f"checkpoint-{state.global_step}"
            mark_whole(path, self._identity, self._layout)
            best = state.best_model_checkpoint
            remove_older(self._folder, keep=self._keep, best=Path(best) if best else None)
        self._ranks.wait_for_all()
