"""Stopping a training on request, and marking its checkpoints.

SLURM's USR1 may reach one rank a step before another: ranks that each stopped by themselves would
wait for ever in different collectives. So they ask each other at the end of every step, and all
save the same one. transformers' own flag (`enable_jit_checkpoint`) is each rank's own.
"""

import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opencharacter.errors import StoppedError
from opencharacter.llm.stopping import Stopping
from opencharacter.train.checkpoints import Identity, Layout, mark_whole, remove_older
from opencharacter.train.ranks import Ranks


class Preemption(TrainerCallback):  # type: ignore[misc]
    """Saves and stops at the end of the step in which any rank was asked to stop.

    It has to come after `Marking`: it leaves the training by an exception.
    """

    def __init__(self, ranks: Ranks, stopping: Stopping) -> None:
        """Take who the others are, and who knows whether to stop."""
        self._ranks = ranks
        self._stopping = stopping
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

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop, if it was asked for; what a step takes with its checkpoint is learned besides.

        Raises:
            StoppedError: on all ranks, at the same step.
        """
        self._took("save")
        if self._is_asked:
            reason = self._stopping.reason or "another rank was asked to stop"
            raise StoppedError(
                f"train: {reason}; step {state.global_step} of {state.max_steps} is saved; the "
                "same command goes on"
            )

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
