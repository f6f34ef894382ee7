"""Play a suite, judge the answers, report what they come to.

Reads    what play reads
Writes   runs/<run>/{play,judge,report}; of suite=retention loss too, unless the player is a server
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=eval run=main suite=profile_facts
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.losses import measures_loss
from opencharacter.stages import judge, loss, play, report


def check(config: Config) -> None:
    """Check what play and judge ask for, before the first of them starts.

    Raises:
        OpenCharacterError: what one of them would say later.
    """
    play.check(config)
    if measures_loss(config):
        loss.check(config)
    judge.check(config)


def run(config: Config, job: Job) -> None:
    """Do all evaluation stages in turn, with one engine where they share a model."""
    play.run(config, job)
    if measures_loss(config):
        loss.run(config, job)
    judge.run(config, job)
    report.run(config, job)
