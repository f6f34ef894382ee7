"""The cluster that the tests of a file share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NO_SLURM
from tests.slurm.cluster import CannotRunError, Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a real SLURM, or skip loudly where none can run."""
    with tempfile.TemporaryDirectory(prefix="oc-slurm-") as state:
        try:
            cluster = Cluster(Path(state))
        except CannotRunError as error:
            pytest.skip(f"{NO_SLURM}: {error}")
        with cluster:
            yield cluster
