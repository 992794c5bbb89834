"""One cluster for all tests here: to start it takes longer than most of them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from stack.postgres import Postgres
from tests.revocation.cluster import Cluster

_SIZE: Final = 3
_DATABASE: Final = "revocation"


@pytest.fixture(scope="session")
def cluster_url(postgres_server: Postgres, postgres_url: str, template: str) -> str:
    """The connection string of the cluster's database."""

    async def create() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f'CREATE DATABASE "{_DATABASE}" TEMPLATE "{template}"')
        await connection.close()

    asyncio.run(create())
    return postgres_server.url(_DATABASE)


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
