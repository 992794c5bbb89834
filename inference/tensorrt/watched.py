"""Runs a compiler in a thread of its own, so that whoever waits sees what it does and can stop."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from inference.progress import Progress
from inference.tensorrt.compiler import Watch

T = TypeVar("T")

_SHOWN_SECONDS: Final = 3.0
"""How long a phase is shown at the least, unless the work ends: many take no time at all."""


def run_watched(work: Callable[[Watch], T], progress: Progress, what: str) -> T:
    """Run `work` to its end, and show each of its phases as a step of `what`.

    An interruption reaches the work at the next step it tells of, and is raised when it has ended:
    nothing goes on behind the caller's back.
    """
    news = _News()
    with ThreadPoolExecutor(1, thread_name_prefix="compile") as pool:
        try:
            future = pool.submit(work, news)
            future.add_done_callback(lambda _: news.end())
            phase = news.after(None)
            while phase is not None:
                with progress.step(f"{what}: {phase}"):
                    phase = news.after(phase)
        except BaseException:
            news.stop()
            raise
    return future.result()


class _News:
    """The phase that the work is in; one that is over before anybody looks is not shown."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._phase: str | None = None
        self._ended = False
        self._stopped = False

    def tell(self, phase: str) -> None:
        """Take a phase, from the work."""
        with self._changed:
            self._phase = phase
            self._changed.notify_all()

    def goes_on(self) -> bool:
        """Tell the work whether its result is still wanted."""
        return not self._stopped

    def stop(self) -> None:
        """Want the result no more."""
        self._stopped = True

    def end(self) -> None:
        """Take that the work has ended."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def after(self, phase: str | None) -> str | None:
        """Wait until another phase is under way, and return it; nothing at the end."""
        with self._changed:
            if phase is not None:
                self._changed.wait_for(lambda: self._ended, _SHOWN_SECONDS)
            self._changed.wait_for(lambda: self._ended or self._phase != phase)
            return None if self._ended else self._phase
