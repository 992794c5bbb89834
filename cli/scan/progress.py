"""Say how far a long scan has come, to a person who watches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.filesize import decimal

from cli.scan.findings import Report

_PATIENCE_SECONDS: Final = 2.0


class Meter:
    """What was read so far; `tick` is called now and then, whether or not there is news."""

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._show = show
        self._clock = clock
        self._started = clock()
        self._done = Report()

    def add(self, report: Report) -> None:
        """Count a part that is done."""
        self._done += Report(
            files=report.files, objects=report.objects, size_bytes=report.size_bytes
        )
        self.tick()

    def add_object(self, size_bytes: int) -> None:
        """Count a git object that was read."""
        self.add(Report(objects=1, size_bytes=size_bytes))

    def tick(self) -> None:
        """Show the figures, once the scan takes long enough that one wonders."""
        seconds = self._clock() - self._started
        if seconds < _PATIENCE_SECONDS:
            return
        done = self._done
        counts = [f"{done.files:,} files"] if done.files else []
        counts += [f"{done.objects:,} git objects"] if done.objects else []
        speed = decimal(int(done.size_bytes / seconds))
        self._show(", ".join([*counts, decimal(done.size_bytes), f"{speed}/s"]))


@contextmanager
def metered(console: Console) -> Iterator[Meter]:
    """Show a line on the terminal after two seconds, and take it away at the end."""
    status = console.status("scanning")

    def show(text: str) -> None:
        if console.is_terminal:
            status.update(f"scanning: {text}")
            status.start()

    try:
        yield Meter(show, time.monotonic)
    finally:
        status.stop()
