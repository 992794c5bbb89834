"""What goes wrong, or is done in a slower way, as one sentence for the report."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


def first_line(error: BaseException) -> str:
    """Return how an error begins: libraries go on for pages."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextmanager
def warnings_heard(logger: str) -> Iterator[list[str]]:
    """Collect what a logger, or one below it, warns of while the block runs."""
    heard = _Heard()
    logging.getLogger(logger).addHandler(heard)
    try:
        yield heard.lines
    finally:
        logging.getLogger(logger).removeHandler(heard)


class _Heard(logging.Handler):
    """Keeps the first line of each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip().partition("\n")[0])
