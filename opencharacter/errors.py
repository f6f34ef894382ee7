"""The errors a user can mend. The command line prints one as a single line and exits with status 2.

    OpenCharacterError
    ├── ConfigError      a setting is unknown, of the wrong type, or contradicts another
    ├── SourceError      a persona or instruction source cannot be read at all
    │   └── BrokenListError  or only to the place where its JSON breaks off
    ├── StoreError       what is on disk is missing, stale, claimed by another process, or full
    ├── ModelError       a model cannot be opened, or the server behind it is unusable
    ├── TrainingError    a training cannot go on: its loss is no number, or a row does not fit
    ├── AccountingError  the counts of a stage do not add up, or too much was rejected
    ├── BudgetError      a run has spent what it may, and goes on when it is given more
    └── StoppedError     the command was asked to stop, and goes on when it is given again

A row that cannot be used is not an error: it is a row in `rejected/` (see `records.Rejection`).
"""


class OpenCharacterError(Exception):
    """Base of everything a user can mend: the message says what happened and what to do."""


class ConfigError(OpenCharacterError):
    """A setting is unknown, of the wrong type, or contradicts another one."""


class SourceError(OpenCharacterError):
    """A source of personas or instructions cannot be read at all."""


class BrokenListError(SourceError):
    """A JSON list is broken at a place; the entries before it were read."""

    def __init__(self, shown: str, line: int, column: int, what: str) -> None:
        """Keep which file is broken at which line, and what is wrong there."""
        where = f"line {line}, column {column:,}"
        super().__init__(
            f"{shown} is broken JSON at {where}: {what}; mend the file there, or make it again"
        )
        self.place = f"{shown}:{line}"
        self.detail = f"column {column:,}: {what}"


class StoreError(OpenCharacterError):
    """What is on disk is missing, stale, claimed by another process, or the disk is full."""


class ModelError(OpenCharacterError):
    """A model cannot be opened, or the server behind it is unusable."""


class TrainingError(OpenCharacterError):
    """A training cannot go on: its loss is no number, or a row does not fit."""


class AccountingError(OpenCharacterError):
    """Rows in are not rows out plus rows rejected, or more was rejected than allowed."""


class BudgetError(OpenCharacterError):
    """A run has spent what it may on a model; what is done is kept."""


class StoppedError(OpenCharacterError):
    """A signal or the end of the wall time stopped the work; what is done is kept."""
