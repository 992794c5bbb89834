"""What the launcher hands to the supervising process on its command line."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from stack.options import Options
from stack.ports import base_url


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a stack. The port is settled, and the lock is an inherited descriptor."""

    options: Options
    lock: int
    detached: bool
    """Go on when whoever started the stack ends."""

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return base_url(self.options.port)


_RUN = TypeAdapter(Run)


def write_run(run: Run) -> str:
    """Return the command line argument."""
    return _RUN.dump_json(run).decode()


def read_run(text: str) -> Run:
    """Return what `write_run` was given."""
    return _RUN.validate_json(text)
