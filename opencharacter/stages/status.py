"""How a run is getting on, over all processes and machines that work on it.

Reads    runs/<run>: parts, claims, the processes' reports, manifests
Writes   nothing
Costs    a second
Run      python -m opencharacter stage=status run=main
"""

import sys

from opencharacter.config import Config
from opencharacter.errors import ConfigError, StoreError
from opencharacter.job import Job
from opencharacter.job.status import show_status, stage_status

_STAGES = ("personas", "instructions", "profiles", "rewrite", "generate", "mix", "play", "loss")


def run(config: Config, job: Job) -> None:
    """Print the table.

    Raises:
        ConfigError: there is no such run.
        StoreError: files of some stages are damaged; the others were shown.
    """
    folders = [job.folder(stage) for stage in _STAGES]
    timeout_s = config.claim_timeout_s
    found = [stage_status(folder, claim_timeout_s=timeout_s) for folder in folders]
    started = [status for status in found if status is not None]
    if not started:
        raise ConfigError(f"{job.run_dir} has no stage that was started; check run= and runs_dir=")
    sys.stdout.write(show_status(started) + "\n")
    if damage := [status.damage for status in started if status.damage]:
        raise StoreError("; ".join(damage))
