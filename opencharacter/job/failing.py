"""What a stage leaves that fails before it has made anything."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
