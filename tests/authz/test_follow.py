"""Following the directory."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from authz.domain.directory import BadDirectoryError
from authz.domain.process import REFUSES_EVERYTHING
from authz.domain.snapshot import NEVER, Snapshot
from authz.domain.undecided import DatabaseError
from authz.service.current_directory import CurrentDirectory
from authz.service.follow import DirectoryFollower
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.metrics import DirectoryMetrics
from tests.authz.doubles import FakeFeed, FakeStore, ManualClock, make_directory
from tests.authz.until import until


class _Following:
    """A follower at work."""

    def __init__(self, feed: FakeFeed, store: FakeStore, poll_seconds: float) -> None:
        self.feed = feed
        self.store = store
        self.clock = ManualClock()
        self.current = CurrentDirectory(300, self.clock)
        self.registry = CollectorRegistry()
        self.keeper = SnapshotKeeper(store, self.current, 10)
        metrics = DirectoryMetrics(self.registry, self.current)
        self.follower = DirectoryFollower(
            feed, self.current, self.keeper, metrics, poll_seconds, jitter=lambda: 0.01
        )

    @property
    def number(self) -> int | None:
        return self.current.directory.number if self.current.directory else None

    @property
    def refusals(self) -> float:
        return self.registry.get_sample_value("authz_directory_refusals_total") or 0

    async def settles(self, number: int) -> None:
        """Return when this state is applied, confirmed, and told."""
        await until(
            lambda: (
                self.number == number and self.current.is_fresh and self.feed.told[-1:] == [number]
            )
        )


@asynccontextmanager
async def _follow(
    feed: FakeFeed, poll_seconds: float = 0.005, store: FakeStore | None = None
) -> AsyncIterator[_Following]:
    following = _Following(feed, store or FakeStore(), poll_seconds)
    following.keeper.restore()
    task = asyncio.create_task(following.follower.run())
    try:
        yield following
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_an_announced_change_is_applied_and_told() -> None:
    """Without waiting for a poll."""
    async with _follow(FakeFeed(make_directory(number=1)), poll_seconds=3600) as following:
        await following.settles(1)
        following.feed.state = make_directory(number=2)
        following.feed.heard.set()
        await following.settles(2)


async def test_a_change_that_nobody_announced_is_found() -> None:
    """The poll makes up for a lost announcement."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await following.settles(1)
        following.feed.state = make_directory(number=2)
        await following.settles(2)


async def test_bad_data_keeps_the_last_good_state() -> None:
    """It is counted, for an alarm, and good data is taken again when it comes."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await following.settles(1)
        following.feed.state = BadDirectoryError("a blank field")
        await until(lambda: following.refusals >= 2)
        assert (following.number, following.feed.told[-1]) == (1, 1)
        following.feed.state = make_directory(number=3)
        await following.settles(3)


async def test_bad_data_lets_the_directory_grow_old() -> None:
    """What could not be read could have been a revocation, so it is no news."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await following.settles(1)
        following.feed.state = BadDirectoryError("a blank field")
        await until(lambda: following.refusals >= 1)
        following.clock.now += 301
        await until(lambda: following.refusals >= 2)
        assert not following.current.is_fresh
        assert following.registry.get_sample_value("authz_directory_age_seconds") == 301


async def test_a_process_that_refuses_everything_holds_up_nobody() -> None:
    """With bad data for so long that it answers nothing, it says so; and takes it back first."""
    async with _follow(FakeFeed(make_directory(number=1))) as following:
        await following.settles(1)
        following.feed.state = BadDirectoryError("a blank field")
        await until(lambda: following.refusals >= 1)
        following.clock.now += 301
        await until(lambda: following.feed.told[-1] == REFUSES_EVERYTHING)
        following.feed.state = make_directory(number=2)
        await following.settles(2)


async def test_nothing_is_answered_before_it_was_told() -> None:
    """Until its number is written down nobody would wait for this process."""
    feed = FakeFeed(make_directory(number=5))
    async with _follow(feed) as following:
        fresh_when_told = []

        async def watch(number: int) -> None:
            fresh_when_told.append((number, following.current.is_fresh))

        feed.on_tell = watch
        await following.settles(5)
    assert fresh_when_told[:2] == [(REFUSES_EVERYTHING, False), (5, False)]


async def test_freshness_counts_from_before_it_was_told() -> None:
    """What others read in the database is never earlier than what this process believes."""
    feed = FakeFeed(make_directory(number=1))
    async with _follow(feed, poll_seconds=3600) as following:
        await following.settles(1)
        following.clock.now += 100

        async def take_time(_: int) -> None:
            following.clock.now += 50

        feed.on_tell = take_time
        feed.heard.set()
        await until(lambda: following.current.age_seconds < 100)
        assert following.current.age_seconds == 50


async def test_a_database_that_fell_behind_is_no_news() -> None:
    """It may have forgotten a revocation that is known here."""
    feed = FakeFeed(make_directory(number=5))
    async with _follow(feed) as following:
        await following.settles(5)
        feed.newest, feed.state = 4, BadDirectoryError("behind")
        await until(lambda: following.refusals >= 1)
        following.clock.now += 100
        await until(lambda: following.refusals >= 3)
        assert following.current.age_seconds == 100


async def test_changes_without_end_do_not_make_a_directory_old() -> None:
    """What was read since it was asked is news, even if there is more by now."""
    feed = FakeFeed(make_directory(number=1))
    async with _follow(feed) as following:
        await following.settles(1)
        feed.newest = 2  # there is always one more
        feed.state = make_directory(number=2)
        await until(lambda: following.number == 2)
        for number in range(3, 6):
            following.clock.now += 200
            feed.newest, feed.state = number + 1, make_directory(number=number)
            feed.newest = number
            await until(lambda wanted=number: following.number == wanted)  # type: ignore[misc]
            await until(lambda: following.current.age_seconds == 0)


async def test_a_change_is_on_the_disk_before_it_is_told() -> None:
    """Or a start from the disk would bring back what was told to be gone."""
    feed = FakeFeed(make_directory(number=1))
    store = FakeStore()
    async with _follow(feed, store=store) as following:
        await following.settles(1)
        store.error = OSError(errno.ENOSPC, "No space left on device")
        store.is_stuck = True
        feed.state = make_directory(number=2)
        await until(lambda: following.number == 2)
        told = len(feed.told)
        await until(lambda: len(feed.told) > told + 2)
        assert set(feed.told[told:]) == {1}
        store.is_stuck = False
        await following.keeper.keep()
        await following.settles(2)


async def test_a_start_from_the_disk_tells_what_the_disk_knew() -> None:
    """And goes on from there."""
    kept = Snapshot(make_directory(number=3), heard_at=990.0, fresh_until=1290.0)
    feed = FakeFeed(make_directory(number=4))
    async with _follow(feed, store=FakeStore(kept)) as following:
        assert following.current.is_fresh
        await following.settles(4)
    assert feed.told[0] == 3


async def test_a_process_whose_place_was_taken_stops_answering_at_once() -> None:
    """Nor does it start from its disk; and it comes back when the other has left."""
    feed = FakeFeed(make_directory(number=1))
    async with _follow(feed) as following:
        await following.settles(1)
        feed.is_replaced = True
        await until(lambda: not following.current.is_fresh)
        await until(
            lambda: following.store.kept is not None and following.store.kept.heard_at == NEVER
        )
        feed.is_replaced = False
        await following.settles(1)


@pytest.mark.parametrize("failure", [DatabaseError("refused")])
async def test_a_lost_connection_is_opened_anew(failure: DatabaseError) -> None:
    """As often as it takes."""
    async with _follow(FakeFeed(failure)) as following:
        await until(lambda: following.feed.opened >= 3)
        following.feed.state = make_directory(number=7)
        await following.settles(7)
