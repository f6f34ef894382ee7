"""What a stage leaves that fails before it has made anything, and what then is not closed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from opencharacter.errors import StoreError
from opencharacter.store.aside import put_back
from opencharacter.store.claims import Claims
from opencharacter.store.stage import StageFolder


@contextmanager
def put_back_on_failure(folder: StageFolder, claims: Claims) -> Iterator[None]:
    """Put back what was started over where what follows fails or is stopped before it has a row.

    Args:
        folder: The stage's, started.
        claims: Its claims, entered: while others work there, all stays as it is.
    """
    try:
        yield
    except BaseException:
        if put_back(folder, claims):
            print(f"{folder.stage}: what it was before is back in its place", file=sys.stderr)
        raise


def check_same(folder: StageFolder, fingerprint: str) -> None:
    """See to it that a stage is still the one that this process has worked on.

    Raises:
        StoreError: another process has started it otherwise, or put back what it was.
    """
    started = folder.started() or {}
    if started.get("fingerprint") != fingerprint:
        raise StoreError(
            f"{folder.path} was started with other settings while this command was at it; run it "
            "again when the other one has ended"
        )
