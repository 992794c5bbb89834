"""What Envoy saw of a request that did not end well, and whether its client pays for it."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

_NOTHING_ANSWERED: Final = 0
_VECTORS: Final = 200
_CLIENT_LEFT: Final = frozenset({"DC", "DR", "DPE"})
_CLIENT_STALLED: Final = frozenset({"SI", "UT"})
"""Once the first vector is there all are, and whoever is slow then is who should read them."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request by the id that authz was told, as its access log entry has it.

    `status` is 0 where no response was begun. `flags` are Envoy's, by their short names.
    `was_sent`: the adapter got some of it, so the model may have worked.
    """

    request_id: str
    status: int
    flags: Set[str]
    was_sent: bool

    @property
    def is_refunded(self) -> bool:
        """Whether the client is to pay nothing.

        It pays where the model worked for it and it did not stay to take what it had asked for, and
        nobody else was at fault. Before that work began it owes nothing, and never for an error.
        """
        return not (self.was_sent and self._client_is_at_fault)

    @property
    def is_model_failure(self) -> bool:
        """Whether the model was asked, and the client got no vectors for that."""
        return self.was_sent and self.is_refunded

    @property
    def _client_is_at_fault(self) -> bool:
        if self.status == _NOTHING_ANSWERED:
            return bool(self.flags) and self.flags <= _CLIENT_LEFT
        return (
            self.status == _VECTORS
            and bool(self.flags)
            and self.flags <= _CLIENT_LEFT | _CLIENT_STALLED
        )
