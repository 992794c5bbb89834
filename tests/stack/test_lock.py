"""The lock: one stack per state folder, held to the last process."""

import os
from pathlib import Path

import pytest

from stack import lock
from stack.errors import StackError
from stack.layout import Layout, locate, prepare
from stack.spawn import spawn
from stack.status import Owner, StackState, StackStatus, identify, write_status
from tests.stack.programs import SLEEP, python


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A prepared state folder."""
    found = locate(tmp_path)
    prepare(found)
    return found


def test_living_stack_keeps_others_out(layout: Layout) -> None:
    """A second start on the same state is refused at once, and told how to stop the first."""
    descriptor = lock.acquire(layout)
    write_status(layout, StackStatus(StackState.READY, "http://…", identify(os.getpid())))
    try:
        with pytest.raises(StackError, match=r"already runs .* tessera down --state"):
            lock.acquire(layout)
    finally:
        os.close(descriptor)


def test_lock_is_held_until_the_last_process_has_ended(layout: Layout) -> None:
    """When the supervisor is gone, its processes may still be ending: that counts."""
    descriptor = lock.acquire(layout)
    spawned = spawn(python(SLEEP), layout.log("sleep"), held_open=(descriptor,))
    os.close(descriptor)
    assert lock.is_held(layout)
    spawned.stop()
    spawned.wait(timeout_seconds=10)
    assert not lock.is_held(layout)


def test_killed_stack_is_waited_for(layout: Layout) -> None:
    """A start right after `kill -9` of the supervisor succeeds as soon as the guards are done."""
    descriptor = lock.acquire(layout)
    spawned = spawn(python(SLEEP), layout.log("sleep"), held_open=(descriptor,))
    os.close(descriptor)
    reused = Owner(pid=1, started=-1)  # a living process, but not the one that wrote the status
    write_status(layout, StackStatus(StackState.READY, "http://…", reused))
    spawned.stop()
    os.close(lock.acquire(layout))
    assert spawned.wait(timeout_seconds=10) != 0
