"""A directory in a real PostgreSQL, with one key in it."""

from datetime import UTC, datetime

from authz.domain.directory import (
    Endpoint,
)
from authz.domain.new_key import NewKey
from authz.domain.packed_directory import Directory
from authz.domain.pepper import Pepper
from authz.storage.directory_feed import DirectoryFeed
from tests.authz.doubles import key_text, make_process

EXPIRY = datetime(2030, 1, 1, tzinfo=UTC)


def make_feed(url: str, *peppers: Pepper) -> DirectoryFeed:
    """Return a feed that knows these peppers."""
    ids = [pepper.id for pepper in peppers]
    return DirectoryFeed(url, make_process(), lambda: ids, keys_max=10)


def describe(pepper: Pepper, number: int = 0) -> NewKey:
    """Describe one of many keys."""
    return NewKey.describe(
        key_text(number),
        pepper,
        name=f"key {number}",
        environment="dev",
        scopes={Endpoint.EMBEDDINGS},
        expires_at=EXPIRY,
    )


async def read(feed: DirectoryFeed, known: Directory | None = None) -> Directory:
    """Read once, by a connection of its own."""
    async with feed.open() as session:
        return await session.read(known)
