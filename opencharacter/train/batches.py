"""How many rows a device takes at once, and how often, for a step of so many tokens."""

import math
from typing import NamedTuple

from opencharacter.config import TrainConfig
from opencharacter.errors import ConfigError


class Batches(NamedTuple):
    """What one optimizer step is made of."""

    device_rows: int
    """Rows that a device takes at once."""
    accumulation: int
    """Times that it does so before a step."""
    world_size: int
    """Devices."""

    @property
    def step_rows(self) -> int:
        """Rows of one optimizer step."""
        return self.device_rows * self.accumulation * self.world_size

    def steps(self, n_rows: int) -> int:
        """Return the optimizer steps of one epoch; its last may be smaller."""
        return max(1, math.ceil(n_rows / self.step_rows))


def derive_batches(config: TrainConfig, world_size: int) -> Batches:
    """Derive the batch of a device and how often it is accumulated.

    Args:
        config: Tokens of a row, of a device and of a step.
        world_size: Devices.

    Raises:
        ConfigError: the devices cannot share a step evenly; the message names sizes that would.
    """
    device_rows = config.device_tokens // config.max_length
    unit = device_rows * config.max_length * world_size
    if config.global_tokens % unit:
        below = config.global_tokens // unit * unit
        fitting = " or ".join(f"{n:,}" for n in (below, below + unit) if n)
        raise ConfigError(
            f"train.global_tokens={config.global_tokens:,} is no multiple of {unit:,}: {world_size}"
            f" device(s) that take {device_rows} row(s) of train.max_length={config.max_length:,} "
            f"tokens at once; set it to {fitting}, or change train.device_tokens"
        )
    return Batches(device_rows, config.global_tokens // unit, world_size)
