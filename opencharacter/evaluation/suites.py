"""Which suite is which."""

from dataclasses import replace
from pathlib import Path

from opencharacter.config import SuiteConfig, SuiteName, Who
from opencharacter.errors import SourceError
from opencharacter.evaluation.dialogues import read_dialogues
from opencharacter.evaluation.fact_questions import read_profile_facts
from opencharacter.evaluation.multi_turn import read_multi_turn
from opencharacter.evaluation.people import People
from opencharacter.evaluation.persona_gym import read_persona_gym
from opencharacter.evaluation.preferences import read_preferences
from opencharacter.evaluation.published import read_published
from opencharacter.evaluation.retention import read_retention
from opencharacter.evaluation.suite import Suite
from opencharacter.records import Domain

_TRAINED_ON = ("profiles", "instructions", "mix")


def load_suite(
    config: SuiteConfig,
    run_dir: Path,
    also_trained: tuple[Path, ...] = (),
    *,
    knows_all: bool = True,
    user: str = "",
) -> Suite:
    """Return the suite that the settings name; an item that is there twice is played once.

    Args:
        config: Which, and how much of it.
        run_dir: Of the run whose characters it asks, where it asks a run's.
        also_trained: Runs on whose mixtures the model was trained, where there are others; of a
            suite that brings its own personas all of them.
        knows_all: Whether it was trained in no other run that is not known.
        user: Name of the model that plays the user, with `suite.user=model`: what another one asks
            is something else.

    Raises:
        SourceError: its data is not there, or cannot be read at all, or asks nothing.
        StoreError: what it says of the run is not true of the run's mixture.
    """
    people = People(run_dir=run_dir, also_trained=also_trained, knows_all=knows_all)
    suite = _once(_read(config, people, user))
    if not suite.items and not suite.damaged:
        raise SourceError(
            f"suite={config.name} has nothing to ask: {config.path or run_dir} holds no question "
            "of it; check suite.path and suite.run"
        )
    return suite


def _once(suite: Suite) -> Suite:
    items = {item.id: item for item in suite.items}
    doubles = len(suite.items) - len(items)
    told = (f"{doubles:,} items that repeat others are played once",) if doubles else ()
    return replace(suite, items=tuple(items.values()), missing=(*suite.missing, *told))


def _placed(suite: Suite, people: People) -> Suite:
    """Return a suite of personas of its own, with those that the model never met as out of domain.

    The others, who are one that it was trained on or near one, stay of no known domain.
    """
    texts = list(dict.fromkeys(item.persona for item in suite.items))
    unmet = people.unmet(texts)
    items = [
        replace(item, domain=Domain.outside) if item.persona in unmet else item
        for item in suite.items
    ]
    return replace(suite, items=tuple(items))


def _read(config: SuiteConfig, people: People, user: str) -> Suite:
    match config.name:
        case SuiteName.in_domain | SuiteName.out_of_domain:
            return read_dialogues(config, people)
        case SuiteName.profile_facts:
            return read_profile_facts(config, people)
        case SuiteName.multi_turn:
            return read_multi_turn(config, people, user=user)
        case SuiteName.preference_probe:
            return read_preferences(config)
        case SuiteName.retention:
            return read_retention(config)
        case SuiteName.persona_gym:
            return _placed(read_persona_gym(config), people)
    return read_published(config)


def stages_read(config: SuiteConfig) -> tuple[str, ...]:
    """Return the stages of a run that a suite reads; none where it brings its own personas."""
    match config.name:
        case SuiteName.in_domain | SuiteName.out_of_domain:
            return _TRAINED_ON
        case SuiteName.profile_facts | SuiteName.multi_turn:
            return ("profiles",) if config.who is Who.all else ("profiles", "mix")
    return ()
