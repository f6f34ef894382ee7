"""What a command asks SLURM for."""

import re
from dataclasses import dataclass, field

from opencharacter.config.ranges import require


@dataclass(kw_only=True)
class SlurmConfig:
    """Resources of the jobs that a command becomes."""

    submit: bool = False
    """Submit the command instead of running it here; `slurm=cluster` sets it."""
    array: int = 8
    """Tasks of a job that asks a model: processes that claim parts of the work."""
    gpus: int | None = None
    """GPUs of a task; None = as many as the model needs that it asks, of several the largest."""
    mix_gpus: int = 0
    """GPUs of the job that makes the mixture; 1 where an axis has a classifier."""
    train_nodes: int = 1
    """Nodes of a training."""
    train_gpus: int | None = None
    """GPUs of each of them, a task for each; 0 = a task a node, on its CPU; None = 8, and 0 for the
    embedded model."""
    train_time: str = "24:00:00"
    """Longest run of a training; then it is saved, requeued and goes on."""
    cpus: int = 8
    """CPU cores of a task."""
    memory_gib: int | None = None
    """Memory of a task, in GiB; None = the cluster's default."""
    time: str = "04:00:00"
    """Longest run of a task, `hours:minutes:seconds`; then it is requeued and goes on."""
    partition: str | None = None
    """SLURM's partition; None = the cluster's default, as of the next two."""
    account: str | None = None
    """Who pays."""
    qos: str | None = None
    """SLURM's quality of service."""
    sbatch: list[str] = field(default_factory=list)
    """Further options of sbatch, such as `["--constraint=h100"]`; `"--dependency=afterok:ID"` holds
    back the first jobs of a command, which the others wait for."""

    def __post_init__(self) -> None:
        """Check ranges."""
        require(self.array >= 1, f"slurm.array is {self.array}; it must be >= 1")
        require(self.cpus >= 1, f"slurm.cpus is {self.cpus}; it must be >= 1")
        require(self.gpus is None or self.gpus >= 0, f"slurm.gpus is {self.gpus}; it must be >= 0")
        require(self.mix_gpus >= 0, f"slurm.mix_gpus is {self.mix_gpus}; it must be >= 0")
        require(self.train_nodes >= 1, f"slurm.train_nodes is {self.train_nodes}; not >= 1")
        require(
            self.train_gpus is None or self.train_gpus >= 0,
            f"slurm.train_gpus is {self.train_gpus}; it must be >= 0",
        )
        require(
            not {"-d", "--dependency"} & set(self.sbatch),
            f"slurm.sbatch is {self.sbatch}; write what to wait for as one word: "
            '"--dependency=afterok:ID"',
        )
        for name, time in (("time", self.time), ("train_time", self.train_time)):
            require(
                bool(re.fullmatch(r"(\d+-)?\d+(:\d\d){1,2}", time)),
                f"slurm.{name} is '{time}'; write hours:minutes:seconds, or days-hours:minutes",
            )
