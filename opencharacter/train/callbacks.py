"""What happens between the steps of a training: metrics are kept, faults stop it, counts go on."""

import math
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opencharacter.errors import TrainingError

Report = Callable[[int, dict[str, float]], None]
"""Takes a step and its metrics."""


class StopAtNan(TrainerCallback):  # type: ignore[misc]
    """Stops at a loss or gradient that is no number, before it is saved."""

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """See to it that the loss is looked at before a checkpoint, and the last step measured."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = args.eval_strategy != "no"
            control.should_save = True
        if control.should_save or control.should_evaluate:
            control.should_log = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at the loss and the gradient's norm.

        Raises:
            TrainingError: one of them is no number.
        """
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name, 0.0)
            if not math.isfinite(value):
                raise TrainingError(
                    f"at step {state.global_step} of {state.max_steps} the {name} is {value}; "
                    "nothing of this step is kept. Lower train.learning_rate, raise train.warmup, "
                    "or look at the rows with stage=lint"
                )


class CountingOn(TrainerCallback):  # type: ignore[misc]
    """Keeps TRL's count of tokens, `num_tokens`, in the checkpoint: by itself it begins anew."""

    def __init__(self, trainer: Any) -> None:
        """Take a trainer; one that counts no tokens is left alone."""
        self._trainer = trainer

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Go on from what the checkpoint counted; of a training that begins, nothing."""
        if hasattr(self._trainer, "_total_train_tokens"):
            self._trainer._total_train_tokens = state.num_input_tokens_seen

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Note the count in the state, which checkpoints hold."""
        state.num_input_tokens_seen = getattr(self._trainer, "_total_train_tokens", 0)


class Reporting(TrainerCallback):  # type: ignore[misc]
    """Hands each step's metrics on, from rank 0 alone."""

    def __init__(self, report: Report) -> None:
        """Take what is told of each line of metrics."""
        self._report = report

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Tell what was logged."""
        if state.is_world_process_zero and logs:
            self._report(state.global_step, {name: float(value) for name, value in logs.items()})
