"""The whole stack: real parts that hang, several at a time."""

from collections.abc import Iterator
from typing import Final

import psutil
import pytest

from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.silence import Patience
from stack.status import UnitState
from tests.stack.calls import embed
from tests.waiting import wait_until

_PATIENCE: Final = Patience(pause_seconds=0.3, answer_seconds=1.5, silence_seconds=4)
_PARTS: Final = ("postgres", "triton", "adapter", "authz-1", "report", "admin", "envoy")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of the module's own, whose parts may be silent for seconds only."""
    state = tmp_path_factory.mktemp("impatient") / "state"
    with running_stack(Options(state=state, port=0, patience=_PATIENCE)) as running:
        yield running


@pytest.mark.parametrize(
    "names", [("postgres", "triton"), ("adapter", "authz-1", "report", "admin", "envoy")]
)
def test_hung_parts_are_replaced_and_no_others(
    impatient: RunningStack, names: tuple[str, ...]
) -> None:
    """What needs a part that hangs says so, and is not ended for it; then all works again."""
    before = _restarts(impatient)
    for name in names:
        _freeze(impatient.pid(name))
    expected = {name: before[name] + (name in names) for name in _PARTS}
    wait_until(lambda: _restarts(impatient) == expected, lambda: str(_restarts(impatient)))
    wait_until(lambda: all(impatient.unit(name).state is UnitState.READY for name in _PARTS))
    wait_until(lambda: embed(impatient) == 200)
    assert _restarts(impatient) == expected
    assert all("gave no answer" in (impatient.unit(name).message or "") for name in names)
    log = impatient.layout.log("stack").read_text()
    assert all(f'"name": "{name}", "why": "gave no answer' in log for name in names)


def _freeze(pid: int) -> None:
    """Stop a process and all its children where they stand, for good."""
    program = psutil.Process(pid)
    for each in (program, *program.children(recursive=True)):
        each.suspend()


def _restarts(stack: RunningStack) -> dict[str, int]:
    return {name: stack.unit(name).restarts for name in _PARTS}
