"""Wait for what happens in another process, and say what was seen when it does not."""

import time
from collections.abc import Callable


def wait_until(
    holds: Callable[[], bool],
    explain: Callable[[], str] = lambda: "",
    timeout_seconds: float = 30.0,
) -> None:
    """Return once `holds()` is true; fail with `explain()` at the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_seconds} s. {explain()}")
        time.sleep(0.02)
