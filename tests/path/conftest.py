"""A stack with two authz processes, which several files use and ill-treat."""

from collections.abc import Iterator

import pytest

from stack.launch import RunningStack, running_stack
from stack.options import Options

_AUTHZ = {
    "AUTHZ_CHARGE_TIMEOUT_SECONDS": "4.9",  # a busy machine is no outage
    "AUTHZ_USAGE_DRAIN_SECONDS": "0.2",
}


@pytest.fixture(scope="package")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The stack; a test that breaks a part waits for its repair."""
    state = tmp_path_factory.mktemp("pair") / "state"
    with running_stack(Options(state, port=0, authz=2, environment={"authz": _AUTHZ})) as running:
        yield running
