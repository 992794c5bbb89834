"""How many calls may be under way at once, so that no caller keeps the others out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from authz.domain.administration.actor import Actor
from authz.domain.administration.refusals import BusyError

CALLS_MAX: Final = 64
STREAMS_MAX: Final = 16
"""Of one caller, over all connections; a stream can be kept open for long."""
_OF_ALL_CALLERS: Final[Mapping[str, int]] = {
    "VerifyAudit": 2,  # it reads and hashes all there is
    "GetUsage": 8,  # it may read for seconds, and leaves half of the connections to the others
    "ListDrafts": 2,  # it reads months of usage of many accounts
    "FinalizeMonth": 2,  # so does it, until all are done
}

_Place: TypeAlias = tuple[str, ...]


class Places:
    """The places of one process."""

    def __init__(self) -> None:
        self._taken: Counter[_Place] = Counter()

    @contextmanager
    def take(self, actor: Actor, method: str, *, is_stream: bool) -> Iterator[None]:
        """Take what a call needs while it lasts. Raises `BusyError`."""
        needed = _needed(actor, method, is_stream=is_stream)
        if any(self._taken[place] >= most for place, most in needed.items()):
            raise BusyError("Too many such calls are under way; try again shortly.")
        self._taken.update(needed.keys())
        try:
            yield
        finally:
            self._taken = self._taken - Counter(needed.keys())


def _needed(actor: Actor, method: str, *, is_stream: bool) -> Mapping[_Place, int]:
    """Return the places of a call, and how many there are of each."""
    kind, most = ("stream", STREAMS_MAX) if is_stream else ("call", CALLS_MAX)
    needed: dict[_Place, int] = {(kind, actor.role, actor.name): most}
    if method in _OF_ALL_CALLERS:
        needed[("method", method)] = _OF_ALL_CALLERS[method]
    return needed
