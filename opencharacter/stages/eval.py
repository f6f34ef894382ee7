"""Play a suite, judge the answers, report what they come to.

Reads    what play reads
Writes   runs/<run>/{play,judge,report}
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=eval run=main suite=profile_facts
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.stages import judge, play, report


def check(config: Config) -> None:
    """Check what play and judge ask for, before the first of them starts.

    Raises:
        OpenCharacterError: what one of them would say later.
    """
    play.check(config)
    judge.check(config)


def run(config: Config, job: Job) -> None:
    """Do all evaluation stages in turn, with one engine where they share a model."""
    play.run(config, job)
    judge.run(config, job)
    report.run(config, job)
