"""Following the directory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from authz.domain.directory import BadDirectoryError
from authz.domain.undecided import DatabaseError
from authz.service.current_directory import CurrentDirectory
from authz.service.follow import DirectoryFollower
from authz.service.metrics import DirectoryMetrics
from tests.authz.doubles import FakeFeed, ManualClock, make_directory
from tests.authz.until import until


class _Following:
    """A follower at work."""

    def __init__(self, feed: FakeFeed, poll_seconds: float) -> None:
        self.feed = feed
        self.clock = ManualClock()
        self.current = CurrentDirectory(300, self.clock)
        self.registry = CollectorRegistry()
        metrics = DirectoryMetrics(self.registry, self.current)
        self.follower = DirectoryFollower(
            feed, self.current, metrics, poll_seconds, jitter=lambda: 0.01
        )

    @property
    def number(self) -> int | None:
        return self.current.directory.number if self.current.directory else None

    def sample(self, name: str) -> float:
        return self.registry.get_sample_value(name) or 0


@asynccontextmanager
async def _follow(feed: FakeFeed, poll_seconds: float = 0.005) -> AsyncIterator[_Following]:
    following = _Following(feed, poll_seconds)
    task = asyncio.create_task(following.follower.run())
    try:
        yield following
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_an_announced_change_is_applied() -> None:
    """Without waiting for a poll."""
    async with _follow(FakeFeed(make_directory(number=1)), poll_seconds=3600) as following:
        await until(lambda: following.number == 1)
        following.feed.state = make_directory(number=2)
        following.feed.heard.set()
        await until(lambda: following.number == 2)


async def test_a_change_that_nobody_announced_is_found() -> None:
    """The poll makes up for a lost announcement."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await until(lambda: following.number == 1)
        following.feed.state = make_directory(number=2)
        await until(lambda: following.number == 2)


async def test_bad_data_keeps_the_last_good_state() -> None:
    """It is counted, for an alarm, and good data is taken again when it comes."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await until(lambda: following.number == 1)
        following.feed.state = BadDirectoryError("a blank field")
        await until(lambda: following.sample("authz_directory_refusals_total") >= 2)
        assert following.number == 1
        following.feed.state = make_directory(number=3)
        await until(lambda: following.number == 3)


async def test_bad_data_lets_the_directory_grow_old() -> None:
    """What could not be read could have been a revocation, so it is no news."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await until(lambda: following.number == 1)
        following.feed.state = BadDirectoryError("a blank field")
        await until(lambda: following.sample("authz_directory_refusals_total") >= 1)
        following.clock.now += 301
        await until(lambda: following.sample("authz_directory_refusals_total") >= 2)
        assert not following.current.is_fresh
        assert following.sample("authz_directory_age_seconds") == 301


async def test_a_lost_connection_is_opened_anew() -> None:
    """As often as it takes."""
    async with _follow(FakeFeed(DatabaseError("refused"))) as following:
        await until(lambda: following.feed.opened >= 3)
        following.feed.state = make_directory(number=7)
        await until(lambda: following.number == 7)
