"""The whole way: personas to characters to dialogues to a mixture to a trained model, and its test.

Reads    what personas and instructions read; train.model, which the training begins with
Writes   runs/<run>/{personas,profiles,instructions,rewrite,generate,mix,tokenize,train}, and with
         play.follows=true {play,judge,report}
Costs    see those stages; a stage that is finished is skipped
Run      python -m opencharacter stage=all run=tiny experiment=tiny
"""

from opencharacter.config import Config
from opencharacter.errors import ConfigError
from opencharacter.job import Job
from opencharacter.job.summary import print_summary
from opencharacter.stages import eval as evaluation
from opencharacter.stages import mix, synth, tokenize, train


def check(config: Config) -> None:
    """Check what all stages ask for, before the first of them starts.

    Raises:
        OpenCharacterError: what one of them would say later.
    """
    synth.check(config)
    tokenize.check(config)
    train.check(config)
    if config.play.follows:
        _check_tested(config)
        evaluation.check(config)


def _check_tested(config: Config) -> None:
    """Check that what is trained is what is played.

    Raises:
        ConfigError: it is not, or in other processes than this one.
    """
    if config.player.run != config.run:
        raise ConfigError(
            "play.follows=true with stage=all plays the model that is trained; add "
            f"llm@player=trained player.run={config.run}"
        )
    if config.player.data_parallel > 1:
        raise ConfigError(
            f"play.follows=true plays in this process, and player.data_parallel is "
            f"{config.player.data_parallel}; leave one of them out, and play with stage=eval"
        )


def run(config: Config, job: Job) -> None:
    """Do all stages in turn; the teacher is closed before a model is trained."""
    synth.make(config, job)
    job.close_models()
    mix.run(config, job)
    print_summary(job)
    tokenize.run(config, job)
    train.run(config, job)
    if config.play.follows:
        evaluation.run(config, job)
