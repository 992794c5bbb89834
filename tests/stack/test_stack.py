"""The whole stack: real parts, killed one after the other, and all at once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack import lock
from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.status import UnitState
from tests.stack.calls import embed
from tests.stack.programs import lives
from tests.waiting import wait_until


@pytest.mark.parametrize(
    "name", ["postgres", "triton", "adapter", "authz-1", "report", "admin", "envoy"]
)
def test_a_killed_process_is_replaced_and_the_product_works(stack: RunningStack, name: str) -> None:
    """No part needs anybody's help to come back, nor do those that rely on it."""
    before = stack.unit(name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: stack.unit(name).restarts == before.restarts + 1)
    wait_until(lambda: stack.unit(name).state is UnitState.READY)
    wait_until(lambda: embed(stack) == 200)
    assert stack.pid(name) != before.pid


@pytest.fixture
def other(stack: RunningStack) -> Iterator[RunningStack]:
    """A second stack beside the first, with two authz processes."""
    options = Options(state=stack.layout.state.with_name("other"), port=0, authz=2)
    with running_stack(options) as running:
        yield running


def test_two_stacks_run_side_by_side_and_one_killed_leaves_no_process(
    stack: RunningStack, other: RunningStack
) -> None:
    """Stacks share nothing, and `kill -9` of a supervisor ends all of its stack, and only that."""
    assert other.base_url != stack.base_url
    assert embed(other) == 200
    everything = psutil.Process(other.supervisor.pid).children(recursive=True)
    other.supervisor.kill()
    wait_until(lambda: not lock.is_held(other.layout))
    assert [each for each in everything if lives(each.pid)] == []
    assert embed(stack) == 200


def test_secrets_are_in_no_log(stack: RunningStack) -> None:
    """Neither the demo key nor the pepper is ever written to a log, nor are connection strings."""
    assert embed(stack) == 200
    secrets = (stack.key, stack.layout.pepper.read_text(), "postgresql://")
    logs = {log: log.read_text(errors="replace") for log in Path(stack.layout.logs).iterdir()}
    assert [log for log, text in logs.items() if any(secret in text for secret in secrets)] == []
