"""What can be known of a mixture before there is a single response."""

from collections import Counter
from collections.abc import Collection, Iterable

from opencharacter.config import MixConfig
from opencharacter.errors import ConfigError
from opencharacter.mix.draw import ANY, check_names
from opencharacter.mix.shares import Cell, plan_shares
from opencharacter.records import Instruction, Method


def check_asked(
    config: MixConfig, *, n_characters: int, sources: Collection[str], methods: Collection[str]
) -> None:
    """Check what a mixture asks of responses that are still to be made.

    Args:
        config: The mixture.
        n_characters: Characters of each instruction.
        sources: Names of the instructions' sources.
        methods: By which there will be responses.

    Raises:
        ConfigError: it names a source or method that will not be, or asks for too many characters.
    """
    if config.n_characters is not None and config.n_characters > n_characters:
        raise ConfigError(
            f"mix.n_characters asks for {config.n_characters} characters per instruction but "
            f"synth.n_characters makes {n_characters}; lower the one or raise the other"
        )
    missing = sorted(set(config.methods) - set(methods))
    if missing:
        raise ConfigError(
            f"mix.methods names {', '.join(missing)}, but synth.methods makes "
            f"{', '.join(sorted(methods))}; leave it out there or add it here"
        )
    check_names(config, sources, config.methods or methods)


def check_possible(
    instructions: Iterable[Instruction],
    config: MixConfig,
    *,
    n_characters: int,
    methods: Collection[str],
) -> None:
    """Check that a mixture could be made if every single response were good.

    Fewer responses never make a larger mixture, so what is refused here would be refused later.

    Args:
        instructions: Of the run.
        config: The mixture.
        n_characters: Characters of each instruction.
        methods: By which there will be responses.

    Raises:
        ConfigError: shares leave no row, or there are fewer rows than `config.n`.
    """
    draws = min(config.n_characters or n_characters, n_characters)
    sizes: Counter[Cell] = Counter()
    for instruction in instructions:
        sizes[Cell(ANY, False, instruction.source)] += 0
        for method in config.methods or methods:
            cell = Cell(
                method=method if method in config.method_shares else ANY,
                is_multi_turn=config.multi_turn is not None and len(instruction.messages) > 1,
                source=instruction.source,
            )
            is_asked = method != Method.rewrite or instruction.is_answered
            sizes[cell] += draws if is_asked else 0
    for cell, size in sizes.items():
        sizes[cell] = min(size, config.caps.get(cell.source, size))
    plan_shares(sizes, config)
