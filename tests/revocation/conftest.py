"""One cluster for all tests here: to start it takes longer than most of them."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ShareDatabase
from tests.revocation.cluster import Cluster

_SIZE: Final = 3


@pytest.fixture(scope="session")
def cluster_url(share_database: ShareDatabase) -> str:
    """The connection string of the cluster's database."""
    return share_database("revocation")


@pytest.fixture(scope="package")
def shared_cluster(cluster_url: str, model_folder: Path) -> Iterator[Cluster]:
    """Three authz processes and an admin process, not yet started."""
    with tempfile.TemporaryDirectory(prefix="tessera-cluster-") as folder:  # short, for sockets
        cluster = Cluster(Path(folder), cluster_url, model_folder, _SIZE)
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
async def cluster(shared_cluster: Cluster) -> AsyncIterator[Cluster]:
    """The cluster, healthy, with connections of this test's own."""
    async with shared_cluster.connected():
        yield shared_cluster
