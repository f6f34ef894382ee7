"""Checks of values, with a message that names them."""

from opencharacter.errors import ConfigError


def require(holds: bool, message: str) -> None:
    """Raise `ConfigError` with `message` unless something holds."""
    if not holds:
        raise ConfigError(message)
