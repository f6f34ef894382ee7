"""Which suite is which."""

from opencharacter.config import SuiteConfig
from opencharacter.evaluation.persona_gym import read_persona_gym
from opencharacter.evaluation.suite import Suite


def load_suite(config: SuiteConfig) -> Suite:
    """Return the suite that the settings name.

    Raises:
        SourceError: its data is not there, or cannot be read at all.
    """
    return read_persona_gym(config)
