"""The whole way: personas to characters to dialogues to a mixture to tokens to a trained model.

Reads    what personas and instructions read; train.model, which the training begins with
Writes   runs/<run>/{personas,profiles,instructions,rewrite,generate,mix,tokenize,train}
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=all run=tiny experiment=tiny
"""

from opencharacter.config import Config
from opencharacter.job import Job
from opencharacter.job.summary import print_summary
from opencharacter.stages import mix, synth, tokenize, train


def check(config: Config) -> None:
    """Check what all stages ask for, before the first of them starts.

    Raises:
        OpenCharacterError: what one of them would say later.
    """
    synth.check(config)
    tokenize.check(config)
    train.check(config)


def run(config: Config, job: Job) -> None:
    """Do all stages in turn; the teacher is closed before a model is trained."""
    synth.make(config, job)
    job.close_models()
    mix.run(config, job)
    print_summary(job)
    tokenize.run(config, job)
    train.run(config, job)
